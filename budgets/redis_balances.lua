-- What was spent and set aside. Gives spent, reserved, idle and raised of each account.
-- ARGV: rows of history to keep, then the field of each account.

if sweep(clock(), tonumber(ARGV[1])) then
  return 'again'
end
local fields, numbers = { unpack(ARGV, 2) }, {}
local values = fetch(fields)
for at, field in ipairs(fields) do
  local account = values[field] and { unpacked(ACCOUNT, values[field]) } or { 0, 0, 0, 0, 0 }
  for number = 1, 4 do
    numbers[4 * at - 4 + number] = account[number + 1]
  end
end
return told(numbers)
