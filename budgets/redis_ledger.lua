-- What the ledger's scripts share; it stands before each of them.
--
-- One ledger's keys carry one hash tag:
--   {tag}:leases            sorted set: reservation id by the server's time (ms) at which its lease ends
--   {tag}:reservation:ID    string, packed: state (held, spent, given), units, idle, keep (ms), and the lines in one
--                           array: account key, resource, amount, and so on. A hash would cost three times the
--                           memory and time, its values being long. It expires only once its lease has ended.
--   {tag}:account:ACCOUNT   hash: r:RESOURCE set aside, i:RESOURCE the part of it that is idle, s:RESOURCE spent,
--                           u the server's time (ms) it is kept until
--
-- Redis undoes nothing when a script fails. So each one reads every key it will write before its first write:
-- a key of a wrong type, a full memory or a read-only replica then stops it with nothing done.
-- Lua counts in doubles: integers are exact below 2^53, and '%.0f' writes them so.

local LEASES = KEYS[1]
local SLACK = 600000 -- ms an account is kept longer than asked, so that not every call sets its time anew
local SWEEP = 100 -- ended leases one script sees to; the caller comes again for the rest

-- An account's three fields for a resource; the lines of a call mostly share one.
local FIELDS = setmetatable({}, { __index = function(known, resource)
  local fields = { 'r:' .. resource, 's:' .. resource, 'i:' .. resource }
  known[resource] = fields
  return fields
end })

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Let an account stand for `ms` from now; gives the time it is kept until.
local function keep(key, now, ms)
  redis.call('HSET', key, 'u', now + ms + SLACK)
  redis.call('PEXPIRE', key, ms + SLACK)
  return now + ms + SLACK
end

-- The balances of a reservation's lines: at each line's place what is set aside, false where the account is forgotten,
-- and behind it what is spent and what of the former is idle.
local function read(call, lines)
  local found = {}
  for at = 1, #lines, 3 do
    local fields = FIELDS[lines[at + 1]]
    local balance = call('HMGET', lines[at], fields[1], fields[2], fields[3])
    found[at] = not balance.err and balance[1]
    found[at + 1] = balance[2] or 0
    found[at + 2] = balance[3] or 0
  end
  return found
end

-- How the amounts leave an account again, by state: what is added to set aside, and to spent, for each.
local LEAVING = { held = { -1, 0 }, spent = { 0, -1 }, given = { 0, 0 } }

-- Add the lines' amounts, times `aside` and times `spent`, to what `read` found, and what was actually spent.
local function book(lines, found, idle, aside, spent, actual)
  for at = 1, #lines, 3 do
    if found[at] then
      local resource, amount = lines[at + 1], lines[at + 2]
      local fields = FIELDS[resource]
      redis.call('HSET', lines[at], fields[1], found[at] + aside * amount,
        fields[2], found[at + 1] + spent * amount + (actual[resource] or 0))
      if idle then
        redis.call('HSET', lines[at], fields[3], found[at + 2] + aside * amount)
      end
    end
  end
end

-- Leases that ended: unknown counts as spent, but what was idle is given back. True where there may be more.
-- pcall: a key somebody else wrote over must not stop all other accounts.
local function sweep(now)
  local ended = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, SWEEP)
  for _, id in ipairs(ended) do
    local key = string.sub(LEASES, 1, -7) .. 'reservation:' .. id
    local record = redis.pcall('GET', key)
    if type(record) == 'string' then
      local _, units, idle, ms, lines = cmsgpack.unpack(record)
      local found = read(redis.pcall, lines)
      record = cmsgpack.pack(idle and 'given' or 'spent', units, idle, ms, lines)
      redis.call('SET', key, record, 'PX', ms + SLACK)
      book(lines, found, idle, -1, idle and 0 or 1, {})
    end
    redis.call('ZREM', LEASES, id)
  end
  return #ended == SWEEP
end
