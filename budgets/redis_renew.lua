-- Let the reservations that are still held stand for another lease. Gives 1 or 0 for each.
-- KEYS: leases, then the reservations. ARGV: lease in ms, then their ids.

local now = clock()
if sweep(now) then
  return 'again'
end
local lease, renewed = tonumber(ARGV[1]), {}
for at = 2, #KEYS do
  local record = redis.call('HMGET', KEYS[at], 'state', 'keep', 'lines')
  local held = record[1] == 'held'
  if held then
    redis.call('ZADD', LEASES, now + lease, ARGV[at])
    local ms, lines = record[2] + lease, cmsgpack.unpack(record[3])
    for line = 1, #lines, 3 do
      local kept = redis.pcall('HGET', lines[line], 'u')
      if type(kept) == 'string' and tonumber(kept) < now + ms then
        keep(lines[line], now, ms)
      end
    end
  end
  renewed[at - 1] = held and '1' or '0'
end
return table.concat(renewed, ' ')
