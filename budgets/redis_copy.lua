-- Make a copy of all there is, as one state of it, so that it can be read page by page; or drop it.
-- KEYS: the ledger, the ledger set apart when it was retired, the copy. ARGV: rows of history to keep, make or drop.

local standing, from = call('TYPE', LEDGER).ok, 0
if ARGV[2] == 'drop' then
  call('DEL', KEYS[9], KEYS[10], KEYS[11], KEYS[12])
  return 'done'
elseif standing == 'string' and string.sub(call('GET', LEDGER), 1, 6) == 'moved ' then
  from = 4 -- as it was when it was retired
else
  call('HLEN', LEDGER)
  if sweep(clock(), tonumber(ARGV[1])) then
    return 'again'
  end
end
for at = 1, 4 do
  if call('COPY', KEYS[from + at], KEYS[8 + at], 'REPLACE') == 1 then
    call('PEXPIRE', KEYS[8 + at], 3600000)
  end
end
return 'done'
