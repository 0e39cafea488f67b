-- The decisions of a task. ARGV: the task, and the score to give those that have none, or nothing; then only these.
local ids = call('ZRANGE', BASE .. 't:' .. ARGV[1], 0, -1)
local score = ARGV[2]
if score == '' then
  return told(decisions(ids))
end
call('HLEN', ROWS)
local without = {}
for _, id in ipairs(ids) do
  if read(call('HGET', ROWS, id)) and call('HEXISTS', SCORES, id) == 0 then
    without[#without + 1] = id
  end
end
for _, id in ipairs(without) do
  call('HSET', SCORES, id, score)
end
return told(decisions(without))
