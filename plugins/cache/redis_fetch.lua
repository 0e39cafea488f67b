-- Entries looked at because they are alike. ARGV: keys. Gives the data of each, or nothing.
local now, parts = clock(), {}
for at, key in ipairs(ARGV) do
  parts[at] = alive(key, now) or ''
end
return told(parts)
