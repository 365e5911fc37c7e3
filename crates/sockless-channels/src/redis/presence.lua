-- KEYS: 1 when each member's time is up (a sorted set), 2 what each shows (a hash). ARGV: 1 where to push, 2 what to do ('enter', 'leave'
-- or 'members'), 3 the member, 4 what it shows, 5 its lifetime, 6 the most members. Answers whether it is done, or the members.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local times, shown = KEYS[1], KEYS[2]
local news = false

for _, member in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', times, member)
  redis.call('HDEL', shown, member)
  news = true
end

local answer = 1
if ARGV[2] == 'members' then
  answer = {}
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', times, '(' .. now, '+inf')) do
    answer[#answer + 1] = member
    answer[#answer + 1] = redis.call('HGET', shown, member) or ''
  end
elseif ARGV[2] == 'leave' then
  redis.call('HDEL', shown, ARGV[3])
  news = redis.call('ZREM', times, ARGV[3]) == 1 or news
elseif not redis.call('ZSCORE', times, ARGV[3]) and redis.call('ZCARD', times) >= tonumber(ARGV[6]) then
  answer = 0
else
  news = redis.call('HGET', shown, ARGV[3]) ~= ARGV[4] or news
  redis.call('ZADD', times, now + tonumber(ARGV[5]), ARGV[3])
  redis.call('HSET', shown, ARGV[3], ARGV[4])
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < tonumber(ARGV[5]) then
      redis.call('PEXPIRE', key, ARGV[5])
    end
  end
end
if news then
  redis.call('PUBLISH', ARGV[1], 'M')
end
return answer
