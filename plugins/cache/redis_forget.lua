-- Forgets a tag, and an entry. ARGV: tag or nothing, key or nothing, the most tags that are remembered.
if ARGV[1] ~= '' then
  local generation = generation_now(true)
  if ARGV[1] == '*' or call('HLEN', TAGS) >= tonumber(ARGV[3]) then
    call('DEL', TAGS) -- older than that is forgotten anyway
    call('HSET', TAGS, '*', generation)
  else
    call('HSET', TAGS, ARGV[1], generation)
  end
end
if ARGV[2] ~= '' then
  drop(ARGV[2])
end
return ''
