-- What the ledger's scripts share; it stands before each of them.
--
-- One ledger's keys carry one hash tag:
--   {tag}:leases   sorted set: reservation by the server's time (ms) at which its lease ends
--   {tag}:ends     sorted set: field of the ledger by the time from which it may be forgotten; looked at again then
--   {tag}:ledger   hash. Its values are packed, so that a step reads all it needs at once, and writes all at once:
--       aACCOUNT\nRESOURCE  (both as JSON writes strings) kept until, spent, set aside, the part of that which is idle,
--                           raised, and its era: another one once it is reset or made anew. Eight bytes each.
--       rRESERVATION        state (held, spent, given), units, idle, keep (ms), false or the eras it was spent in by line,
--                           and its lines: field of the account and amount by turns
--       k                   the time all of it is kept until
--                  or a string in place of the hash, while it is retired or being filled: see redis_caller.py
--   {tag}:history  stream of rows
--
-- Redis undoes nothing when a script fails. So each one reads every key it will write before its first write:
-- a key of a wrong type, a full memory or a read-only replica then stops it with nothing done.
-- Lua counts in doubles: integers are exact below 2^53. Time is what Lua itself takes, so the path of a call is plain.

local LEASES, ENDS, LEDGER, HISTORY = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ACCOUNT = '>i8i8i8i8i8i8'
local LINES = 6 -- where a reservation's lines begin
local SWEEP = 100 -- ended leases one script sees to; the caller comes again for the rest
local FORGET = 20 -- outdated fields one script sees to: more than it makes
local SLACK = 600000 -- ms all of it is kept longer than asked, so that not every call sets its time anew
local MOST = 9007199254740991
local CHUNK = 1000 -- arguments to one command; Lua's stack takes 8,000

local call, pack, unpacked = redis.call, struct.pack, struct.unpack

local function clock()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function resource_of(field)
  return string.sub(field, string.find(field, '\n', 1, true) + 1)
end

-- Numbers as one string of eight bytes each.
local function told(numbers)
  return pack('>' .. string.rep('i8', #numbers), unpack(numbers))
end

-- The values of many fields, by field; false where there is none.
local function fetch(fields)
  local values = {}
  for from = 1, #fields, CHUNK do
    local some = call('HMGET', LEDGER, unpack(fields, from, math.min(from + CHUNK - 1, #fields)))
    for at, value in ipairs(some) do
      values[fields[from + at - 1]] = value
    end
  end
  return values
end

-- Put field and value by turns into the ledger.
local function put(pairs)
  for from = 1, #pairs, CHUNK do
    call('HSET', LEDGER, unpack(pairs, from, math.min(from + CHUNK - 1, #pairs)))
  end
end

-- Let all of it stand until then. An element without end keeps a set there, and so its time, when all others are gone.
local function keep(now, stands, known)
  if stands > tonumber(known or 0) then
    stands = stands + SLACK
    call('HSET', LEDGER, 'k', stands)
    call('PEXPIRE', LEDGER, stands - now)
    for _, set in ipairs({ LEASES, ENDS }) do
      call('ZADD', set, '+inf', '')
      call('PEXPIRE', set, stands - now)
    end
  end
end

-- The accounts of a reservation's lines, for `fetch`.
local function accounts_of(record, fields)
  for at = LINES, #record, 2 do
    fields[#fields + 1] = record[at]
  end
  return fields
end

-- Take a reservation out of `values`, the accounts' values by field; where `over`, its lease ends, put it back in as
-- spent; add what was `actual`ly spent by resource. What an account has forgotten becomes 0 in its lines. Gives the new
-- values as pairs for `put`.
local function move(record, values, over, actual)
  local state, idle, eras, pairs, last = record[1], record[3], record[5], {}, 0
  if over then
    record[5] = {}
  end
  for at = LINES, #record, 2 do
    local field, amount = record[at], record[at + 1]
    local value, era = values[field], 0
    if value then
      local stands, spent, reserved, unused, raised
      stands, spent, reserved, unused, raised, era = unpacked(ACCOUNT, value)
      if state == 'held' then
        reserved = reserved - amount
        unused = idle and unused - amount or unused
        spent = over and not idle and spent + amount or spent
      elseif state == 'spent' and eras[(at - LINES) / 2 + 1] == era then
        spent = spent - amount
      else
        record[at + 1] = 0
      end
      spent = spent + (actual and actual[resource_of(field)] or 0)
      value = pack(ACCOUNT, stands, spent, reserved, unused, raised, era)
      values[field], pairs[last + 1], pairs[last + 2] = value, field, value
      last = last + 2
    else
      record[at + 1] = 0
    end
    if over then
      record[5][#record[5] + 1] = era
    end
  end
  return pairs
end

local function note(row, rows)
  if rows > 0 then
    call('XADD', HISTORY, 'MAXLEN', '~', rows, '*', 'e', row)
  end
end

-- The row of a lease that ended (sign 1) or of its being taken back (-1), as leanloop.budgets.history.expiry has it.
local function expiry(id, record, sign)
  local task, names, largest = '', {}, {}
  for at = LINES, #record, 2 do
    local resource = resource_of(record[at])
    task = task == '' and string.match(record[at], '^atask:([^\n]*)') or task
    if not largest[resource] then
      names[#names + 1] = resource
    end
    largest[resource] = math.max(largest[resource] or record[at + 1], record[at + 1])
  end
  for at, name in ipairs(names) do
    names[at] = string.format('"%s":%.0f', name, sign * largest[name])
  end
  return '{"kind":"expired","task":"' .. task .. '","amounts":{' .. table.concat(names, ',') .. '},"note":' ..
    cjson.encode(id) .. '}'
end

-- The row that must stand beside giving up a reservation that was moved; nil where there is nothing to take back.
local function taken_back(id, record)
  if record[1] == 'spent' then
    for at = LINES, #record, 2 do
      if record[at + 1] ~= 0 then
        call('XLEN', HISTORY)
        return expiry(id, record, -1)
      end
    end
  end
end

-- Leases that ended: unknown counts as spent, but what was idle is given back. True where there may be more.
local function sweep(now, rows)
  local ended = call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, SWEEP)
  if #ended == 0 then
    return false
  end
  local fields, records, accounts = {}, {}, {}
  for at, id in ipairs(ended) do
    fields[at] = 'r' .. id
  end
  local found = fetch(fields)
  for _, field in ipairs(fields) do
    records[field] = found[field] and cmsgpack.unpack(found[field])
    accounts_of(records[field] or {}, accounts)
  end
  local values, known = fetch(accounts), call('HGET', LEDGER, 'k')
  call('ZCARD', ENDS)
  call('XLEN', HISTORY)
  call('ZREM', LEASES, unpack(ended))
  local stands = 0
  for at, id in ipairs(ended) do
    local record = records[fields[at]]
    if record then
      put(move(record, values, true))
      record[1] = record[3] and 'given' or 'spent'
      call('HSET', LEDGER, fields[at], cmsgpack.pack(record))
      call('ZADD', ENDS, now + record[4], fields[at])
      stands = math.max(stands, now + record[4])
      if not record[3] then
        note(expiry(id, record, 1), rows)
      end
    end
  end
  keep(now, stands, known)
  return #ended == SWEEP
end
