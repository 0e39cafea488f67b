-- The entries of a context most like a vector. ARGV: context, vector (float32), how many.
-- Gives key, data and vector of each. Those that are over are taken out, and others looked for in their stead.
local now, set, parts = clock(), BASE .. 's:' .. ARGV[1], {}
for _ = 1, 8 do
  local met = 0
  local found = redis.pcall('VSIM', set, 'FP32', ARGV[2], 'COUNT', ARGV[3])
  if found.err then
    return told({ 'error', found.err })
  end
  parts = {}
  for _, key in ipairs(found) do
    local data, vector = alive(key, now)
    if data then
      parts[#parts + 1] = key
      parts[#parts + 1] = data
      parts[#parts + 1] = vector
    else
      met = met + 1
      call('VREM', set, key) -- of an entry that Redis let go of by itself
    end
  end
  if met == 0 then
    break
  end
end
return told(parts)
