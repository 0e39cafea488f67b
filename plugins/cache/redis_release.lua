-- Gives up a claim. ARGV: key, owner, for how long nobody is to wait for another (ms).
local claim = BASE .. 'c:' .. ARGV[1]
if call('GET', claim) == ARGV[2] then
  if tonumber(ARGV[3]) > 0 then
    call('SET', claim, '', 'PX', ARGV[3])
  else
    call('DEL', claim)
  end
end
return ''
