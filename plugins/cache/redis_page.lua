-- Some of the entries. ARGV: cursor, how many. Gives the next cursor, then data and vector of each.
local now = clock()
local page = call('ZSCAN', ENDS, ARGV[1], 'COUNT', ARGV[2])
local parts = { page[1] }
for at = 1, #page[2], 2 do
  local data, tags, generation, vector = unpack(read(page[2][at], 'd', 't', 'g', 'v'), 1, 4)
  if data and tonumber(page[2][at + 1]) > now and good(tags, generation) then
    parts[#parts + 1] = data
    parts[#parts + 1] = vector
  end
end
return told(parts)
