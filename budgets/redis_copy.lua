-- Find where the books are to be read, make a copy of them as one state of it all, or drop that.
-- KEYS: the ledger, the ledger set apart when it was retired, the copy. ARGV: rows of history to keep; find, make or drop.
-- Gives 'live' or 'retired': which of the two is read. Ended leases are booked first in the former.

local standing, from = call('TYPE', LEDGER).ok, 0
if ARGV[2] == 'drop' then
  call('DEL', KEYS[9], KEYS[10], KEYS[11], KEYS[12])
  return 'dropped'
elseif standing == 'string' and string.sub(call('GET', LEDGER), 1, 6) == 'moved ' then
  from = 4 -- as it was when it was retired
else
  call('HLEN', LEDGER)
  if sweep(clock(), tonumber(ARGV[1])) then
    return 'again'
  end
end
for at = 1, ARGV[2] == 'make' and 4 or 0 do
  if call('COPY', KEYS[from + at], KEYS[8 + at], 'REPLACE') == 1 then
    call('PEXPIRE', KEYS[8 + at], 3600000)
  end
end
return from == 0 and 'live' or 'retired'
