-- Set the worst case of every line aside, or of none.
-- KEYS: leases, this reservation, the one it replaces (or this again), then the account of each line.
-- ARGV: id, id it replaces or '', most, least, lease in ms, idle (1 or 0),
--       then for each line: resource, limit, fixed, slope, expires in ms.
-- Gives 'granted UNITS SPENT RESERVED IDLE ...', 'refused PLACE SPENT RESERVED IDLE', 'taken', 'ended', or 'again'.

-- The answer to one who asks once more because the first was lost.
local function once_more(units, idle, lines)
  local found, answer = read(redis.call, lines), { 'granted', string.format('%.0f', units) }
  for at = 1, math.max(#lines, (#KEYS - 3) * 3), 3 do
    local place = (at - 1) / 3
    local key, from, amount = KEYS[place + 4], place * 5 + 7, lines[at + 2]
    if lines[at] ~= key or lines[at + 1] ~= ARGV[from] or amount ~= ARGV[from + 2] + ARGV[from + 3] * units then
      return 'taken'
    end
    answer[#answer + 1] = string.format('%.0f %.0f %.0f', found[at + 1], (found[at] or amount) - amount,
      found[at] and idle and found[at + 2] - amount or found[at + 2])
  end
  return table.concat(answer, ' ')
end

local now = clock()
if sweep(now) then
  return 'again'
end

local known = redis.call('GET', KEYS[2])
if known then
  local state, units, idle, _, lines = cmsgpack.unpack(known)
  return state == 'held' and once_more(units, idle, lines) or 'ended'
end

local old, found, aside, spending, leaving, was_idle
if ARGV[2] ~= '' then
  local record = redis.call('GET', KEYS[3])
  if record then
    local state, _, idle, _, lines = cmsgpack.unpack(record)
    old, leaving, was_idle = lines, LEAVING[state], idle
    found, aside, spending = read(redis.call, old), {}, {}
    for at = 1, #old, 3 do
      local name = old[at] .. '\n' .. old[at + 1]
      aside[name], spending[name] = leaving[1] * old[at + 2], leaving[2] * old[at + 2]
    end
  end
end

local units, least, lease = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local answer, lines, kept = {}, {}, {}
for place = 0, #KEYS - 4 do
  local key, from = KEYS[place + 4], place * 5 + 7
  local resource, limit, fixed, slope = ARGV[from], ARGV[from + 1], tonumber(ARGV[from + 2]), tonumber(ARGV[from + 3])
  local fields = FIELDS[resource]
  local account = redis.call('HMGET', key, fields[1], fields[2], fields[3], 'u')
  local reserved, spent, idle = account[1] or '0', account[2] or '0', account[3] or '0'
  if old then
    local name = key .. '\n' .. resource
    spent = string.format('%.0f', spent + (spending[name] or 0))
    reserved = string.format('%.0f', reserved + (aside[name] or 0))
    idle = was_idle and string.format('%.0f', idle + (aside[name] or 0)) or idle
  end
  local left = limit - spent - reserved
  if fixed + slope * least > left then
    return 'refused ' .. place .. ' ' .. spent .. ' ' .. reserved .. ' ' .. idle
  end
  if slope > 0 then
    units = math.min(units, math.floor((left - fixed) / slope))
  end
  answer[place + 3] = spent .. ' ' .. reserved .. ' ' .. idle
  kept[key] = tonumber(account[4] or 0)
end

if old then
  book(old, found, was_idle, leaving[1], leaving[2], {})
  redis.call('DEL', KEYS[3])
  redis.call('ZREM', LEASES, ARGV[2])
end
local longest, is_idle = 0, ARGV[6] == '1'
for place = 0, #KEYS - 4 do
  local key, from = KEYS[place + 4], place * 5 + 7
  local resource, amount, expires = ARGV[from], ARGV[from + 2] + ARGV[from + 3] * units, tonumber(ARGV[from + 4])
  redis.call('HINCRBY', key, FIELDS[resource][1], amount)
  if is_idle then
    redis.call('HINCRBY', key, FIELDS[resource][3], amount)
  end
  if kept[key] < now + expires + lease then
    kept[key] = keep(key, now, expires + lease)
  end
  longest = math.max(longest, expires)
  lines[place * 3 + 1], lines[place * 3 + 2], lines[place * 3 + 3] = key, resource, amount
end
answer[1], answer[2] = 'granted', string.format('%.0f', units)
redis.call('SET', KEYS[2], cmsgpack.pack('held', units, is_idle, longest, lines))
redis.call('ZADD', LEASES, now + lease, ARGV[1])
return table.concat(answer, ' ')
