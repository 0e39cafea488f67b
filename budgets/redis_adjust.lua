-- Change what an account was let spend, or has spent, by a person's hand.
-- ARGV: rows of history to keep, the account's field, what more it may spend ('' to begin again at nothing), expires in ms,
--       a row for the history that lacks its amounts.
-- Gives spent, reserved, idle and raised: after the former, before the latter.

local rows, field, by, expires, now = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), clock()
if sweep(now, rows) then
  return 'again'
end
local values = fetch({ 'k', field })
call('ZCARD', ENDS)
call('XLEN', HISTORY)
local account = values[field] and { unpacked(ACCOUNT, values[field]) } or { 0, 0, 0, 0, 0, now }
local taken, answer = by, { unpack(account, 2, 5) }
if by then
  if math.abs(account[5] + by) > MOST then
    return 'too much'
  end
  account[1], account[5], answer[4] = math.max(account[1], now + expires), account[5] + by, account[5] + by
else
  -- In another era: what an ended lease spent before is not taken back from it.
  taken, account[2], account[5], account[6] = account[2], 0, 0, account[6] + 1
end
if by or values[field] then
  put({ field, pack(ACCOUNT, unpack(account, 1, 6)) })
  if not values[field] then
    call('ZADD', ENDS, account[1], field)
  end
  keep(now, account[1], values.k)
end
note(string.format('%s,"amounts":{"%s":%.0f}}', string.sub(ARGV[5], 1, -2), resource_of(field), taken), rows)
return told(answer)
