-- What every script that touches a channel's history begins with. The pattern is `Broker` in `broker.rs`.
-- KEYS: 1 the channel's hash, 2 its stream. ARGV: 1 where to push, 2 a fresh epoch, 3 and 4 the epoch and the offset that the node
-- has seen (or empty), 5 whether another run has lost nothing, 6 how long a quiet channel is remembered.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local hash, stream = KEYS[1], KEYS[2]

local function number(text)
  return tonumber(text) or 0
end

local function plain(value)
  return string.format('%.0f', value)
end

-- The channel's epoch, the offset where it began, and its newest offset, both as text.
local function open()
  local have = redis.call('HMGET', hash, 'e', 'b', 'o', 'r')
  local epoch, base, top, last = have[1], have[2], have[3], have[4]
  if not epoch then
    -- The hash may have been evicted, and the stream may be left over: its offsets are nobody's.
    epoch, base, top = ARGV[2], '0', '0'
    redis.call('HSET', hash, 'e', epoch, 'b', base, 'o', top, 'r', run, 'c', '0')
    redis.call('DEL', stream)
  elseif (last ~= run and ARGV[5] ~= '1') or (epoch == ARGV[3] and number(top) < number(ARGV[4])) then
    epoch, base = ARGV[2], top
    redis.call('HSET', hash, 'e', epoch, 'b', base, 'r', run)
    redis.call('PUBLISH', ARGV[1], 'E' .. epoch)
  elseif last ~= run then
    redis.call('HSET', hash, 'r', run)
  end
  return epoch, base, top
end

-- The channel is remembered for another while. It comes after the first command that a server without memory refuses: once a script
-- has written something, nothing of it is refused any more.
local function keep()
  redis.call('PEXPIRE', hash, ARGV[6])
end
