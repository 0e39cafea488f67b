-- Keeps a decision. ARGV: its id, the row, its score or nothing, how many are kept, and the tasks it is found by.
local MOST_AT_ONCE = 100 -- that make room, where somebody wants far fewer than there are
local id, row, score, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local known, kept = call('HGET', ROWS, id), call('ZCARD', ORDER)
local tasks = { unpack(ARGV, 5) }
call('HLEN', SCORES)
for _, task in ipairs(tasks) do
  call('ZCARD', BASE .. 't:' .. task)
end
if not known then
  local last = call('ZRANGE', ORDER, -1, -1, 'WITHSCORES')
  local number = string.format('%.0f', (tonumber(last[2]) or 0) + 1)
  call('ZADD', ORDER, number, id)
  for _, task in ipairs(tasks) do
    call('ZADD', BASE .. 't:' .. task, number, id)
  end
  kept = kept + 1
end
call('HSET', ROWS, id, cmsgpack.pack({ row, tasks }))
if score ~= '' then
  call('HSET', SCORES, id, score)
end
if kept > most then
  for _, old in ipairs(call('ZRANGE', ORDER, 0, math.min(kept - most, MOST_AT_ONCE) - 1)) do
    local _, its = read(call('HGET', ROWS, old))
    for _, task in ipairs(its or {}) do
      if type(task) == 'string' then
        redis.pcall('ZREM', BASE .. 't:' .. task, old)
      end
    end
    call('ZREM', ORDER, old)
    call('HDEL', ROWS, old)
    call('HDEL', SCORES, old)
  end
end
return 'done'
