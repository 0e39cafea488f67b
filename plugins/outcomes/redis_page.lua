-- Some decisions. ARGV: the number to begin behind, and how many. Gives the last one's number, then the decisions.
local ids = call('ZRANGEBYSCORE', ORDER, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
if #ids == 0 then
  return told({})
end
local parts = decisions(ids)
table.insert(parts, 1, call('ZSCORE', ORDER, ids[#ids]))
return told(parts)
