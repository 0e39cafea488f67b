-- Take over what another store kept: absolute values, so that a page may be sent twice.
-- KEYS: of the place apart where it is put together, the ledger. ARGV: rows of history to keep, the token, the records:
-- ['a', field, spent, reserved, idle, raised, expires in ms], ['e', id, time, row], or
-- ['r', reservation, units, lease in ms, idle, ended, field, amount ...].

if redis.pcall('GET', KEYS[5]) ~= ARGV[2] then
  return 'overtaken'
end
local rows, now, values = tonumber(ARGV[1]), clock(), nil
for _, record in ipairs(cjson.decode(ARGV[3])) do
  local kind, name = record[1], record[2]
  if kind == 'a' then
    call('HSET', LEDGER, name, pack(ACCOUNT, now + record[7], record[3], record[4], record[5], record[6], now))
    call('ZADD', ENDS, now + record[7], name)
    keep(now, now + record[7], call('HGET', LEDGER, 'k'))
  elseif kind == 'r' then
    local idle, ended, longest = record[5], record[6], 0
    local held = { ended and (idle and 'given' or 'spent') or 'held', record[3], idle, 0, ended and {} or false }
    for at = 7, #record, 2 do
      local value = call('HGET', LEDGER, record[at])
      if not value then
        return 'orphan ' .. name
      end
      local account = { unpacked(ACCOUNT, value) }
      longest = math.max(longest, account[1] - now)
      held[#held + 1], held[#held + 2] = record[at], record[at + 1]
      if ended then
        held[5][#held[5] + 1] = account[6]
      end
    end
    held[4] = longest
    call('HSET', LEDGER, 'r' .. name, cmsgpack.pack(held))
    if ended then
      call('ZADD', ENDS, now + longest, 'r' .. name)
    else
      call('ZADD', LEASES, now + record[4], name)
    end
    keep(now, now + longest + record[4], call('HGET', LEDGER, 'k'))
  elseif rows > 0 then
    local added = redis.pcall('XADD', HISTORY, 'MAXLEN', '~', rows, name, 'e', record[4], 't', record[3])
    if added.err and not string.find(added.err, 'equal or smaller', 1, true) then -- sent twice
      return added
    end
  end
end
return 'absorbed'
