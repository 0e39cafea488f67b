-- What was spent and set aside. Gives 'SPENT RESERVED IDLE ...'.
-- KEYS: leases, then the accounts. ARGV: the resource asked of each.

if sweep(clock()) then
  return 'again'
end
local balances = {}
for at = 2, #KEYS do
  local fields = FIELDS[ARGV[at - 1]]
  local balance = redis.call('HMGET', KEYS[at], fields[1], fields[2], fields[3])
  balances[at - 1] = (balance[2] or '0') .. ' ' .. (balance[1] or '0') .. ' ' .. (balance[3] or '0')
end
return table.concat(balances, ' ')
