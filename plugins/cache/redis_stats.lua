-- The counters.
local parts = { call('ZCARD', ENDS) }
for _, name in ipairs({ 'bytes', 'vectors', 'hits:exact', 'hits:normal', 'hits:near', 'misses', 'puts', 'evicted' }) do
  parts[#parts + 1] = call('HGET', META, name) or '0'
end
return told(parts)
