-- Replace a reservation by what was spent; without amounts it is given back. Nothing where it is not known.
-- ARGV: rows of history to keep, id, amounts by resource in JSON, and a row for the history where there is one.

local rows, id, actual = tonumber(ARGV[1]), ARGV[2], cjson.decode(ARGV[3])
local field = 'r' .. id
local value = call('HGET', LEDGER, field)
if not value then
  return 'unknown'
end
local record = cmsgpack.unpack(value)
local moved = move(record, fetch(accounts_of(record, {})), false, actual)
local row = taken_back(id, record)
if ARGV[4] then
  call('XLEN', HISTORY)
end
-- ZREM comes first: it needs no memory, and a script that has written may go on where memory is full.
if record[1] == 'held' then
  call('ZREM', LEASES, id)
else
  call('ZREM', ENDS, field)
end
call('HDEL', LEDGER, field)
put(moved)
if row then
  note(row, rows)
end
if ARGV[4] then
  note(ARGV[4], rows)
end
return 'settled'
