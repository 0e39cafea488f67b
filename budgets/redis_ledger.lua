-- What the ledger's scripts share; it stands before each of them.
--
-- One ledger's keys carry one hash tag:
--   {tag}:leases            sorted set: reservation id by the server's time (ms) at which its lease ends
--   {tag}:reservation:ID    hash: state (held, spent, given), units, idle, keep (ms), lines (packed: account key,
--                           resource, amount, and so on); it expires only once its lease has ended
--   {tag}:account:ACCOUNT   hash: r:RESOURCE set aside, s:RESOURCE spent, u the server's time (ms) it is kept until
--
-- Redis undoes nothing when a script fails. So each one reads every key it will write before its first write:
-- a key of a wrong type, a full memory or a read-only replica then stops it with nothing done.
-- Lua counts in doubles: integers are exact below 2^53, and '%.0f' writes them so.

local LEASES = KEYS[1]
local SLACK = 600000 -- ms an account is kept longer than asked, so that not every call sets its time anew
local SWEEP = 100 -- ended leases one script sees to; the caller comes again for the rest

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

-- The balances of a reservation's lines: what is set aside and what is spent by turns, false where it is forgotten.
local function read(call, lines)
  local found = {}
  for at = 1, #lines, 3 do
    local resource = lines[at + 1]
    local balance = call('HMGET', lines[at], 'r:' .. resource, 's:' .. resource)
    if balance.err or not balance[1] then
      found[#found + 1] = false
      found[#found + 1] = false
    else
      found[#found + 1] = tonumber(balance[1])
      found[#found + 1] = tonumber(balance[2] or 0)
    end
  end
  return found
end

-- How the amounts leave an account again, by state: what is added to set aside, and to spent, for each.
local LEAVING = { held = { -1, 0 }, spent = { 0, -1 }, given = { 0, 0 } }

-- Add the lines' amounts, times `aside` and times `spent`, to what `read` found, and what was actually spent.
local function book(lines, found, aside, spent, actual)
  for at = 1, #lines, 3 do
    local place = (at - 1) / 3 * 2 + 1
    if found[place] then
      local resource, amount = lines[at + 1], lines[at + 2]
      redis.call('HSET', lines[at], 'r:' .. resource, found[place] + aside * amount,
        's:' .. resource, found[place + 1] + spent * amount + (actual[resource] or 0))
    end
  end
end

-- Leases that ended: unknown counts as spent, but what was idle is given back. True where there may be more.
-- pcall: a key somebody else wrote over must not stop all other accounts.
local function sweep(now)
  local ended = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, SWEEP)
  for _, id in ipairs(ended) do
    local key = string.sub(LEASES, 1, -7) .. 'reservation:' .. id
    local record = redis.pcall('HMGET', key, 'idle', 'keep', 'lines')
    if not record.err and record[3] then
      local lines, idle = cmsgpack.unpack(record[3]), record[1] == '1'
      local found = read(redis.pcall, lines)
      redis.call('HSET', key, 'state', idle and 'given' or 'spent')
      redis.call('PEXPIRE', key, record[2] + SLACK)
      book(lines, found, -1, idle and 0 or 1, {})
    end
    redis.call('ZREM', LEASES, id)
  end
  return #ended == SWEEP
end
