-- KEYS: 3 the idempotency key. ARGV: 7 the payload, 8 the most publications, 9 the most bytes, 10 their greatest age, 11 the key's.
-- Answers epoch, offset, and whether it was there already.
local epoch, base, top = open()
local before = redis.call('GET', KEYS[3])
if before then
  local where, offset = string.match(before, '^(%x+)-(%d+)$')
  if where then
    keep()
    return { where, offset, 1 }
  end
end
local payload = ARGV[7]
local offset = plain(redis.call('HINCRBY', hash, 'o', 1))
keep()
-- How many bytes were ever published, with this one: two entries' difference is what lies between them, whoever trims.
local count = redis.call('HINCRBY', hash, 'c', #payload)
local entry = { 't', plain(now), 'c', plain(count), 'p', payload }
local added = redis.pcall('XADD', stream, 'MAXLEN', ARGV[8], offset .. '-0', unpack(entry))
if type(added) == 'table' and added.err then
  -- The stream has offsets that the channel hasn't reached: somebody else wrote them.
  redis.call('DEL', stream)
  redis.call('XADD', stream, offset .. '-0', unpack(entry))
end
while true do
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not oldest or oldest[1] == offset .. '-0' then
    break
  end
  local at, sum, size = number(oldest[2][2]), number(oldest[2][4]), #(oldest[2][6] or '')
  if at + number(ARGV[10]) > now and count - sum + size <= number(ARGV[9]) then
    break
  end
  redis.call('XDEL', stream, oldest[1])
end
redis.call('PEXPIRE', stream, ARGV[10])
redis.call('SET', KEYS[3], epoch .. '-' .. offset, 'PX', ARGV[11])
redis.call('PUBLISH', ARGV[1], 'P' .. epoch .. offset .. ':' .. payload)
return { epoch, offset, 0 }
