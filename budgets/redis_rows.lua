-- One page of the history: lines of an id, the time where the id does not tell it or '-', and the row.
-- ARGV: XRANGE or XREVRANGE, and the ids to begin and end with.

call('HLEN', LEDGER) -- nothing is told of a ledger that has moved
local answer = {}
for at, row in ipairs(call(ARGV[1], HISTORY, ARGV[2], ARGV[3], 'COUNT', 500)) do
  local told_by = {}
  for place = 1, #row[2], 2 do
    told_by[row[2][place]] = row[2][place + 1]
  end
  answer[at] = row[1] .. ' ' .. (told_by.t or '-') .. ' ' .. (told_by.e or 'null')
end
return table.concat(answer, '\n')
