-- Set the worst case of every line aside, or of none.
-- ARGV: numbers of eight bytes each (rows of history to keep, most, least, lease in ms, idle, and for each line its limit,
--       fixed, slope, expires in ms, and how many earlier accounts count, too), id, id it replaces or '', the field of each
--       line's account, then those of the earlier ones.
-- Gives 'g', units, and spent, reserved, idle, raised of each line; 'r', place, and these four; 'taken', 'ended', 'again'.

local asked = { unpacked('>' .. string.rep('i8', #ARGV[1] / 8), ARGV[1]) }
local rows, units, least, lease, idle = asked[1], asked[2], asked[3], asked[4], asked[5] == 1
local id, replaces, now = ARGV[2], ARGV[3], clock()
if sweep(now, rows) then
  return 'again'
end
local count = (#asked - 6) / 5 -- behind them stands how far was read
local values = call('HMGET', LEDGER, 'k', 'r' .. id, 'r' .. replaces, unpack(ARGV, 4)) -- from 4 on as ARGV

-- Asked once more because the first answer was lost: then the balances are what they would be without it.
local known = values[2] and cmsgpack.unpack(values[2])
if known then
  units = known[2]
  local same = #known == LINES - 1 + 2 * count
  for place = 1, same and count or 0 do
    local at, line = LINES + 2 * (place - 1), 5 * place
    same = same and known[at] == ARGV[place + 3] and known[at + 1] == asked[line + 2] + asked[line + 3] * units
  end
  if known[1] ~= 'held' or not same then
    return known[1] == 'held' and 'taken' or 'ended'
  end
end

local old = known or (replaces ~= '' and values[3] and cmsgpack.unpack(values[3]))
local row, left_behind
if old then
  local found = fetch(accounts_of(old, {}))
  left_behind = move(old, found)
  row = not known and taken_back(replaces, old)
  for at = 4, #ARGV do
    values[at] = found[ARGV[at]] or values[at]
  end
end

local answer, accounts, new, earlier = { units }, {}, false, 3 + count
for place = 1, count do
  local line, last, value = 5 * place, 4 * place, values[place + 3]
  local stands, spent, reserved, unused, raised, era = 0, 0, 0, 0, 0, now
  if value then
    stands, spent, reserved, unused, raised, era = unpacked(ACCOUNT, value)
  else
    new = true
  end
  accounts[place] = { stands, spent, reserved, unused, raised, era }
  for at = earlier + 1, earlier + asked[line + 5] do
    if values[at] then
      local _, more, aside, idle_too, by = unpacked(ACCOUNT, values[at])
      spent, reserved, unused, raised = spent + more, reserved + aside, unused + idle_too, raised + by
    end
  end
  earlier = earlier + asked[line + 5]
  answer[last - 2], answer[last - 1], answer[last], answer[last + 1] = spent, reserved, unused, raised

  local limit, fixed, slope = asked[line + 1] + raised, asked[line + 2], asked[line + 3]
  local left = (limit < MOST and limit or MOST) - spent - reserved
  if known then
    left = MOST -- it was granted
  end
  if fixed + slope * least > left then
    return 'r' .. told({ place - 1, spent, reserved, unused, raised })
  end
  if fixed + slope * units > left then
    units = math.floor((left - fixed) / slope)
  end
end
answer[1] = units
if known then
  return 'g' .. told(answer)
end

local outdated = new and call('ZRANGEBYSCORE', ENDS, '-inf', now, 'LIMIT', 0, FORGET)
if old then
  call('HDEL', LEDGER, 'r' .. replaces)
  call('ZREM', LEASES, replaces)
  call('ZREM', ENDS, 'r' .. replaces)
  put(left_behind)
  if row then
    note(row, rows)
  end
end
local record, changed, stands = { 'held', units, idle, 0, false }, {}, now + lease
for place, account in ipairs(accounts) do
  local line, field = 5 * place, ARGV[place + 3]
  local amount, ends = asked[line + 2] + asked[line + 3] * units, now + asked[line + 4] + lease
  ends = ends > account[1] and ends or account[1]
  stands, account[1] = ends > stands and ends or stands, ends
  changed[2 * place - 1] = field
  changed[2 * place] = pack(ACCOUNT, ends, account[2], account[3] + amount, idle and account[4] + amount or account[4],
    account[5], account[6])
  record[4] = asked[line + 4] > record[4] and asked[line + 4] or record[4]
  record[2 * place + 4], record[2 * place + 5] = field, amount
end
changed[2 * count + 1], changed[2 * count + 2] = 'r' .. id, cmsgpack.pack(record)
put(changed)
call('ZADD', LEASES, now + lease, id)
for place = 1, count do
  if not values[place + 3] then
    call('ZADD', ENDS, accounts[place][1], ARGV[place + 3])
  end
end
-- Each step that makes accounts forgets some that nobody touches any more, so that there are never many.
for _, field in ipairs(outdated or {}) do
  local value = call('HGET', LEDGER, field)
  local ends = value and string.sub(field, 1, 1) == 'a' and unpacked(ACCOUNT, value)
  if ends and ends > now then
    call('ZADD', ENDS, ends, field)
  else
    call('HDEL', LEDGER, field)
    call('ZREM', ENDS, field)
  end
end
keep(now, stands, values[1])
return 'g' .. told(answer)
