-- What the scripts of a cache share; it stands before each of them.
--
-- All keys of a cache begin with one hash tag, {tag}:cache:, so that in a cluster they lie on one node:
--   meta   hash: generation (of invalidations), epoch, mode (stream or sets), seq, bytes, vectors, age, and the counters
--   tags   hash: tag by the generation at which it was forgotten; always with *
--   ranks  sorted set: key by rank; the lowest makes room
--   ends   sorted set: key by the server's time (ms) at which its entry is over
--   sizes  hash: key by the size of its entry, with a v behind it where that has a vector
--   news   stream: vectors that came and went, one row for each, numbered by seq
--   e:KEY  hash, an entry: d(ata), g(eneration), t(ags), u(ses), w(orth), n(ormal key), c(ontext), v(ector)
--   n:KEY  string: the key of the entry under a normal key
--   c:KEY  string: the owner of a claim
--   s:CONTEXT  vector set, where there are such
-- KEYS: meta, tags, ranks, ends, sizes, news.

local META, TAGS, RANKS, ENDS, SIZES, NEWS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local call = redis.call
local BASE = string.sub(META, 1, -5)
local KEPT_NEWS = 10000 -- rows; who has missed more reads the entries anew
local NEWS_PAGE = 500

local function clock()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Strings as one, each behind its length.
local function told(parts)
  local out = {}
  for at, part in ipairs(parts) do
    part = tostring(part)
    out[at] = struct.pack('>I4', #part) .. part
  end
  return table.concat(out)
end

local function entry_of(key)
  return BASE .. 'e:' .. key
end

local function sets()
  return call('HGET', META, 'mode') == 'sets'
end

local function report(key, context, vector)
  local seq = call('HINCRBY', META, 'seq', 1)
  if seq == 1 then
    call('DEL', NEWS) -- of before a loss of the rest
  end
  call('XADD', NEWS, 'MAXLEN', '~', KEPT_NEWS, seq .. '-0', 'k', key, 'c', context, 'v', vector)
end

-- The fields of an entry; none where something else stands under its key, which is taken away.
local function read(key, ...)
  local found = redis.pcall('HMGET', entry_of(key), ...)
  if found.err then
    call('DEL', entry_of(key))
    return {}
  end
  return found
end

-- Takes an entry out, also where Redis has let go of it by itself, or of the sizes (`maxmemory`).
local function drop(key)
  local size = call('HGET', SIZES, key)
  if not size then
    call('ZREM', RANKS, key)
    call('ZREM', ENDS, key)
    call('DEL', entry_of(key))
    return
  end
  local normal, context = unpack(read(key, 'n', 'c'), 1, 2)
  call('ZREM', RANKS, key)
  call('ZREM', ENDS, key)
  call('HDEL', SIZES, key)
  call('HINCRBY', META, 'bytes', -tonumber(string.match(size, '%d+')))
  if normal and normal ~= '' and call('GET', BASE .. 'n:' .. normal) == key then
    call('DEL', BASE .. 'n:' .. normal)
  end
  if string.sub(size, -1) == 'v' then
    call('HINCRBY', META, 'vectors', -1)
    if not sets() then
      report(key, '', '')
    elseif context then
      call('VREM', BASE .. 's:' .. context, key)
    end
  end
  call('DEL', entry_of(key))
end

-- The number of the latest invalidation. It is never below the server's time (us) then, so that one after a loss of data
-- (FLUSHALL, a restart, `maxmemory`) is above all before it. Where what was forgotten is lost, all there is counts as
-- forgotten.
local function generation_now(more)
  local known = tonumber(call('HGET', META, 'generation'))
  local whole = call('HEXISTS', TAGS, '*') == 1
  if known and whole and not more then
    return string.format('%.0f', known)
  end
  local time = call('TIME')
  local number = string.format('%.0f', math.max(time[1] * 1000000 + time[2], (known or 0) + 1))
  call('HSET', META, 'generation', number)
  if not whole then
    call('HSET', TAGS, '*', number)
  end
  return number
end

-- Whether what was begun at a generation is good: none of its tags was forgotten later.
local function good(tags, generation)
  local fine, list = pcall(cmsgpack.unpack, tags)
  if not fine or type(list) ~= 'table' or not tonumber(generation) then
    return false -- nobody of ours has written that
  end
  local all = call('HMGET', TAGS, '*', unpack(list))
  if not all[1] then
    generation_now()
    return false
  end
  for _, forgotten in ipairs(all) do
    if forgotten and tonumber(forgotten) > tonumber(generation) then
      return false
    end
  end
  return true
end

-- The data and the vector of an entry that is good; nil where there is none. Others are taken out.
local function alive(key, now)
  local data, tags, generation, vector = unpack(read(key, 'd', 't', 'g', 'v'), 1, 4)
  if not data then
    return nil
  end
  local ends = tonumber(call('ZSCORE', ENDS, key) or 0)
  if ends > now and good(tags, generation) then
    return data, vector
  end
  drop(key)
  return nil
end

local function use(key, tier)
  local entry = entry_of(key)
  local uses = redis.pcall('HINCRBY', entry, 'u', 1)
  if type(uses) == 'table' then
    uses = 1 -- nobody of ours has written what stands there; so in the next line
  end
  local worth, size = tonumber(call('HGET', entry, 'w')) or 1, string.match(call('HGET', SIZES, key) or '1', '%d+')
  local age = tonumber(call('HGET', META, 'age') or 0)
  call('ZADD', RANKS, string.format('%.17g', age + uses * worth / size), key)
  call('HINCRBY', META, 'hits:' .. tier, 1)
end

-- The tier, the key of the entry, and its data: under the exact key, or under the normal one.
local function look(exact, normal, now)
  local data = alive(exact, now)
  if data then
    use(exact, 'exact')
    return 'exact', exact, data
  end
  local key = normal ~= '' and call('GET', BASE .. 'n:' .. normal)
  data = key and alive(key, now)
  if data then
    use(key, 'normal')
    return 'normal', key, data
  end
  return '', '', ''
end

-- What came and went after a row of an epoch, as parts: epoch, last row told, more or reset or nothing, then by row key,
-- context and vector.
local function news(epoch, after)
  local own, seq = unpack(call('HMGET', META, 'epoch', 'seq'))
  seq = tonumber(seq or 0)
  if own ~= epoch or after > seq then
    return { own or '', seq, 'reset' }
  end
  if after == seq then
    return { own, seq, '' }
  end
  local rows = call('XRANGE', NEWS, (after + 1) .. '-0', '+', 'COUNT', NEWS_PAGE)
  if not rows[1] or rows[1][1] ~= (after + 1) .. '-0' then
    return { own, seq, 'reset' } -- they are trimmed
  end
  local parts, last = { own, 0, '' }, after
  for _, row in ipairs(rows) do
    last = last + 1
    for field = 2, 6, 2 do
      parts[#parts + 1] = row[2][field]
    end
  end
  parts[2], parts[3] = last, last < seq and 'more' or ''
  return parts
end
