-- Keeps a family under a new name. ARGV: the space, the name, the vector, and how many there may be.
local key = BASE .. 'f:' .. ARGV[1]
if call('HLEN', key) >= tonumber(ARGV[4]) then
  return 'full'
end
return call('HSETNX', key, ARGV[2], ARGV[3]) == 1 and 'kept' or 'taken'
