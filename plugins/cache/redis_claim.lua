-- The answer where it is there by now, else the right to make it. ARGV: exact key, normal key or nothing, owner, lease
-- (ms), and `anew` of one who has seen the answer, finds it no longer fresh, and wants to make it all the same.
local claim = BASE .. 'c:' .. ARGV[1]
local generation = generation_now()
if ARGV[5] ~= 'anew' then
  local tier, key, data = look(ARGV[1], ARGV[2], clock())
  if tier ~= '' then
    return told({ tier, generation, key, data })
  end
end
local owner = call('GET', claim)
if not owner or owner == ARGV[3] then
  call('SET', claim, ARGV[3], 'PX', ARGV[4])
  return told({ 'granted', generation })
end
return told({ owner == '' and 'alone' or 'wait', generation })
