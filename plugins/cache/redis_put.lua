-- Keeps an entry, and makes room for it. ARGV: key, data, packed vector or nothing, normal key, context, worth, size, how long it is kept (ms), the most of all (bytes), generation or nothing,
-- vector as float32 or nothing, then the tags.
local key, data, vector, normal, context = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local worth, size, life, most = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local generation, plain = ARGV[10], ARGV[11]
local SEVERAL = 200 -- in one run of the script, so that it holds up no other step for long
local now, list, entry, problem = clock(), {}, entry_of(key), 'kept'

for at = 12, #ARGV do
  list[#list + 1] = ARGV[at]
end
local tags = cmsgpack.pack(list)
if generation == '' then
  generation = generation_now()
end
if not good(tags, generation) then
  return told({ 'forgotten' })
end
if vector ~= '' and call('HEXISTS', META, 'mode') == 0 then
  return told({ 'lost' }) -- with all else, since the caller asked how vectors are kept
end
local over = call('ZRANGEBYSCORE', ENDS, '-inf', now, 'LIMIT', 0, SEVERAL)
for _, other in ipairs(over) do
  drop(other)
end
drop(key)
local made = 0
while tonumber(call('HGET', META, 'bytes') or 0) + size > most do
  local lowest = call('ZRANGE', RANKS, 0, 0, 'WITHSCORES')
  if not lowest[1] then
    call('HSET', META, 'bytes', 0)
    break
  end
  if made == SEVERAL then
    return 'again'
  end
  made = made + 1
  call('HSET', META, 'age', lowest[2])
  call('HINCRBY', META, 'evicted', 1)
  drop(lowest[1])
end
if vector ~= '' then
  if sets() then
    local added = redis.pcall('VADD', BASE .. 's:' .. context, 'FP32', plain, key)
    if type(added) == 'table' and added.err then
      vector, problem = '', 'dimension'
    else
      call('PEXPIRE', BASE .. 's:' .. context, math.max(life, call('PTTL', BASE .. 's:' .. context)))
    end
  else
    report(key, context, vector)
  end
end
if vector ~= '' then
  call('HINCRBY', META, 'vectors', 1)
end
call('HSET', entry, 'd', data, 'g', generation, 't', tags, 'u', 1, 'w', worth, 'n', normal, 'c', context,
  'v', vector)
call('PEXPIRE', entry, life + 60000) -- the sorted set ends it; this is for when nobody puts anything any more
if normal ~= '' then
  call('SET', BASE .. 'n:' .. normal, key, 'PX', life)
end
call('ZADD', ENDS, now + life, key)
call('ZADD', RANKS, string.format('%.17g', tonumber(call('HGET', META, 'age') or 0) + worth / size), key)
call('HSET', SIZES, key, size .. (vector ~= '' and 'v' or ''))
call('HINCRBY', META, 'bytes', size)
call('HINCRBY', META, 'puts', 1)
return told({ problem })
