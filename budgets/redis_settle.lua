-- Replace a reservation by what was spent; without amounts it is given back. Nothing where it is not known.
-- KEYS: leases, the reservation. ARGV: id, then resource and amount by turns.

local record = redis.call('GET', KEYS[2])
if not record then
  return 'unknown'
end
local actual = {}
for at = 2, #ARGV, 2 do
  actual[ARGV[at]] = tonumber(ARGV[at + 1])
end
local state, _, idle, _, lines = cmsgpack.unpack(record)
local leaving, found = LEAVING[state], read(redis.call, lines)
-- ZREM comes first: it needs no memory, and a script that has written may go on where memory is full.
redis.call('ZREM', LEASES, ARGV[1])
book(lines, found, idle, leaving[1], leaving[2], actual)
redis.call('DEL', KEYS[2])
return 'settled'
