-- Adds to counts. ARGV: most, seconds they stay, then key, setting, weight, score, calls and cost of each.
-- It counts as leanloop.plugins.outcomes.fading.grown does.
local COUNT = '>dddd'
local most, stays = tonumber(ARGV[1]), ARGV[2]
for at = 3, #ARGV, 6 do
  call('HLEN', BASE .. 'c:' .. ARGV[at])
end
for at = 3, #ARGV, 6 do
  local key, setting = BASE .. 'c:' .. ARGV[at], ARGV[at + 1]
  local weight, score, calls, cost = 0, 0, 0, 0
  local known = call('HGET', key, setting)
  if known and #known == 32 then
    weight, score, calls, cost = struct.unpack(COUNT, known)
  end
  weight, score = math.max(0, weight + tonumber(ARGV[at + 2])), score + tonumber(ARGV[at + 3])
  calls, cost = calls + tonumber(ARGV[at + 4]), cost + tonumber(ARGV[at + 5])
  while weight > most do
    weight, score = weight / 2, score / 2
  end
  while calls > most do
    local half = math.floor(calls / 2)
    calls, cost = half, math.floor(cost * (half / calls))
  end
  call('HSET', key, setting, struct.pack(COUNT, weight, math.min(math.max(0, score), weight), calls, cost))
  call('EXPIRE', key, stays)
end
return 'done'
