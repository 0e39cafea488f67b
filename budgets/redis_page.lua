-- One page of what a ledger keeps; first come the cursor of the next page ('0' after the last) and the milliseconds of now.
-- ARGV: cursor, 'a*' for accounts or 'r*' for reservations.
-- Gives lines of JSON: [field, kept until, spent, reserved, idle, raised], or [reservation, units, idle, ended, its
-- lease's end, [field, amount] ...]. What an account has forgotten is left out of a reservation, or 0 in it.

local function text(name)
  return cjson.encode(name)
end

local page = call('HSCAN', LEDGER, ARGV[1], 'MATCH', ARGV[2], 'COUNT', 500)
local answer, found = { string.format('%s %.0f', page[1], clock()) }, page[2]
for at = 1, #found, 2 do
  local field, value = found[at], found[at + 1]
  if ARGV[2] == 'a*' then
    answer[#answer + 1] = string.format('[%s,%.0f,%.0f,%.0f,%.0f,%.0f]', text(field), unpacked(ACCOUNT, value))
  else
    local record, id = cmsgpack.unpack(value), string.sub(field, 2)
    local held, lines = record[1] == 'held', {}
    local values = fetch(accounts_of(record, {}))
    if not held then
      move(record, values) -- for what its accounts have forgotten
    end
    for line = LINES, #record, 2 do
      if values[record[line]] then
        lines[#lines + 1] = string.format(',[%s,%.0f]', text(record[line]), record[line + 1])
      end
    end
    answer[#answer + 1] = string.format('[%s,%.0f,%s,%s,%.0f%s]', text(id), record[2], tostring(record[3]),
      tostring(not held), held and call('ZSCORE', LEASES, id) or 0, table.concat(lines))
  end
end
return table.concat(answer, '\n')
