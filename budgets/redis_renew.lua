-- Let the reservations that are still held stand for another lease. Gives 1 or 0 for each.
-- ARGV: rows of history to keep, lease in ms, then the ids.

local now, lease = clock(), tonumber(ARGV[2])
if sweep(now, tonumber(ARGV[1])) then
  return 'again'
end
local fields, accounts, ends = { 'k' }, {}, {}
for at = 3, #ARGV do
  fields[at - 1] = 'r' .. ARGV[at]
end
local records = fetch(fields)
local renewed, stands, leases, changed = {}, 0, {}, {}
for at = 3, #ARGV do
  local value = records['r' .. ARGV[at]]
  local record = value and cmsgpack.unpack(value)
  local held = record and record[1] == 'held'
  renewed[at - 2] = held and '1' or '0'
  if held then
    leases[#leases + 1], leases[#leases + 2] = now + lease, ARGV[at]
    for _, field in ipairs(accounts_of(record, {})) do
      accounts[#accounts + 1] = field
      ends[field] = math.max(ends[field] or 0, now + record[4] + lease)
      stands = math.max(stands, ends[field])
    end
  end
end
for field, value in next, fetch(accounts) do
  if value then
    local account = { unpacked(ACCOUNT, value) }
    if account[1] < ends[field] then
      changed[#changed + 1], changed[#changed + 2] = field, pack(ACCOUNT, ends[field], unpack(account, 2, 6))
    end
  end
end
if #leases > 0 then
  call('ZADD', LEASES, unpack(leases))
  put(changed)
  keep(now, stands, records.k)
end
return table.concat(renewed, ' ')
