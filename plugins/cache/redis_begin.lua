-- How vectors are kept here, found out by the first who asks; and the epoch, which is another after a loss of all data.
-- ARGV: how it is wanted (sets, stream, or either), an epoch.
if call('HEXISTS', META, 'mode') == 0 then
  local known = redis.pcall('VCARD', BASE .. 's:')
  local there = not (type(known) == 'table' and known.err)
  call('HSET', META, 'mode', ARGV[1] ~= 'stream' and there and 'sets' or 'stream')
end
call('HSETNX', META, 'epoch', ARGV[2])
return told({ call('HGET', META, 'mode'), call('HGET', META, 'epoch'), call('HGET', META, 'seq') or '0' })
