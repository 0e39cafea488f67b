-- Put something in place of a ledger, or a ledger in place of that.
-- KEYS: the ledger, where it is set apart when it is retired, where another is put together. ARGV: what to do, and:
--   retire, 'moved TO'         the ledger is set apart; every later step fails at the string that stands in its place
--   reinstate                  the ledger that was set apart is put back; or as the next, of any token
--   give up, 'absorbing TOKEN' what was begun to be absorbed is dropped
--   begin, 'absorbing TOKEN'   the place is taken, if nothing is kept in it
--   finish, 'absorbing TOKEN'  what was put together takes the place
-- Gives 'done', or what stands in the way: 'used', 'overtaken' (by another that was absorbed), or the string.

local function set(from, to)
  for at = 1, 4 do
    call('DEL', KEYS[to + at])
    if call('EXISTS', KEYS[from + at]) == 1 then
      call('RENAME', KEYS[from + at], KEYS[to + at])
    end
  end
end

local todo, word = ARGV[1], ARGV[2]
local standing = call('TYPE', LEDGER).ok
local text = standing == 'string' and call('GET', LEDGER) or ''
local moved, absorbing = string.sub(text, 1, 6) == 'moved ', string.sub(text, 1, 10) == 'absorbing '
if standing ~= 'none' and standing ~= 'hash' and not moved and not absorbing then
  call('HLEN', LEDGER) -- somebody else's
end
if todo == 'retire' then
  if absorbing then
    return text
  elseif not moved then
    set(0, 4)
  end
  call('SET', LEDGER, word)
elseif todo == 'reinstate' or todo == 'give up' then
  if moved and word == '' then
    set(4, 0)
  elseif absorbing and (word == '' or word == text) then
    call('DEL', LEDGER, KEYS[9], KEYS[10], KEYS[11], KEYS[12])
  end
elseif todo == 'begin' then
  if moved then
    return text
  elseif not absorbing and (call('HLEN', LEDGER) > call('HEXISTS', LEDGER, 'k') or call('EXISTS', HISTORY) == 1) then
    return 'used'
  end
  call('DEL', LEASES, ENDS, KEYS[9], KEYS[10], KEYS[11], KEYS[12])
  call('SET', LEDGER, word)
elseif text == word then
  set(8, 0)
  call('SET', KEYS[9], word, 'PX', 3600000) -- for one whose answer was lost
elseif call('TYPE', KEYS[9]).ok ~= 'string' or call('GET', KEYS[9]) ~= word then
  return 'overtaken'
end
return 'done'
