-- Counts of kinds of call. ARGV: keys. For each: how many settings there are, then each one and its numbers.
local parts = {}
for _, key in ipairs(ARGV) do
  local found = call('HGETALL', BASE .. 'c:' .. key)
  parts[#parts + 1] = tostring(#found / 2)
  for _, part in ipairs(found) do
    parts[#parts + 1] = part
  end
end
return told(parts)
