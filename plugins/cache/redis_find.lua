-- An entry by its keys, and what came and went meanwhile. ARGV: exact key, normal key or nothing, and of who follows
-- the news: epoch and last row.
local tier, key, data = look(ARGV[1], ARGV[2], clock())
if tier == '' then
  call('HINCRBY', META, 'misses', 1)
end
local parts = { tier, key, data }
if ARGV[3] then
  for _, part in ipairs(news(ARGV[3], tonumber(ARGV[4]))) do
    parts[#parts + 1] = part
  end
end
return told(parts)
