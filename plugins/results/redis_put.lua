-- Keeps one result for a while, and makes room for it.
-- KEYS: the result's own, and of all results together: when each ends, in which order they came, how large they are.
-- ARGV: the result's name, its bytes, how long it is kept (ms), the most of all together (bytes), what keys begin with.
local entry, ends, order, sizes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, packed, ttl, most, prefix = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local SEVERAL = 500 -- in one run of the script, so that it holds up no other step for long
local TOTAL, NEXT = '#bytes', '#next' -- beside the names, which are hexadecimal

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function drop(other)
  local size = tonumber(redis.call('HGET', sizes, other) or '0')
  redis.call('HINCRBY', sizes, TOTAL, -size)
  redis.call('HDEL', sizes, other)
  redis.call('ZREM', ends, other)
  redis.call('ZREM', order, other)
  redis.call('DEL', prefix .. other)
end

local over = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, SEVERAL)
for _, other in ipairs(over) do drop(other) end
if #over == SEVERAL then return 'again' end
drop(name)

local total = tonumber(redis.call('HGET', sizes, TOTAL) or '0')
if total + #packed > most then
  for _, other in ipairs(redis.call('ZRANGE', order, 0, SEVERAL - 1)) do
    if total + #packed <= most then break end
    total = total - tonumber(redis.call('HGET', sizes, other) or '0')
    drop(other)
  end
  if total + #packed > most and redis.call('ZCARD', order) > 0 then return 'again' end
end

redis.call('SET', entry, packed, 'PX', ttl)
redis.call('ZADD', ends, now + ttl, name)
redis.call('ZADD', order, redis.call('HINCRBY', sizes, NEXT, 1), name)
redis.call('HSET', sizes, name, #packed)
redis.call('HINCRBY', sizes, TOTAL, #packed)
-- What is about all results goes with the last of them.
for _, key in ipairs({ends, order, sizes}) do
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
return 'kept'
