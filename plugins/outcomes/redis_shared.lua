-- What the scripts of an outcome store share; it stands before each of them.
--
-- All its keys begin with one hash tag, {tag}:outcomes:, so that in a cluster they lie on one node, and a decision of a
-- task counts in one step for all that the task is a part of:
--   rows    hash: id of a decision by what was decided and the tasks it is found by, packed
--   scores  hash: id by the score that was said
--   order   sorted set: id by a number that goes up
--   t:TASK  sorted set: ids of the decisions of a task, by the same numbers
--   c:KEY   hash, the counts of a kind of call: setting by weight, score, calls and cost, eight bytes each (doubles)
--   f:SPACE hash: name of a family by its vector
-- KEYS: rows, scores, order.
--
-- Redis undoes nothing when a script fails: each one reads every key it will write before its first write, so that a
-- key of a wrong type, a full memory or a read-only replica stops it with nothing done.

local ROWS, SCORES, ORDER = KEYS[1], KEYS[2], KEYS[3]
local BASE = string.sub(ROWS, 1, -5)
local call = redis.call

-- Strings as one, each behind its length.
local function told(parts)
  local out = {}
  for at, part in ipairs(parts) do
    out[at] = struct.pack('>I4', #part) .. part
  end
  return table.concat(out)
end

-- What was decided, and the tasks it is found by; nil where nobody of ours has written that.
local function read(packed)
  local fine, row = pcall(cmsgpack.unpack, packed or '')
  if fine and type(row) == 'table' and type(row[1]) == 'string' and type(row[2]) == 'table' then
    return row[1], row[2]
  end
end

-- Row and score of decisions, by turns; without a score it is empty.
local function decisions(ids)
  local parts = {}
  for _, id in ipairs(ids) do
    local row = read(call('HGET', ROWS, id))
    parts[#parts + 1] = row or ''
    parts[#parts + 1] = call('HGET', SCORES, id) or ''
  end
  return parts
end
