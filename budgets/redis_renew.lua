-- Let the reservations that are still held stand for another lease. Gives 1 or 0 for each.
-- KEYS: leases, then the reservations. ARGV: lease in ms, then their ids.

local now = clock()
if sweep(now) then
  return 'again'
end
local lease, renewed = tonumber(ARGV[1]), {}
for at = 2, #KEYS do
  local record = redis.call('GET', KEYS[at])
  local state, _, _, ms, lines = cmsgpack.unpack(record or '')
  local held = state == 'held'
  if held then
    redis.call('ZADD', LEASES, now + lease, ARGV[at])
    ms = ms + lease
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
