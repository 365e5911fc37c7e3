-- ARGV: 7 where to begin ('newest', 'oldest' or 'after'), 8 and 9 the epoch and the offset after which, 10 the most publications, 11
-- the most bytes, 12 the greatest age. Answers epoch, base, newest offset, and a list of offsets and payloads in turn.
local epoch, base, top = open()
keep()
local entries = {}
if ARGV[7] ~= 'newest' then
  local after = '0'
  if ARGV[7] == 'after' then
    after = (ARGV[8] == epoch) and ARGV[9] or base
  end
  if number(after) >= number(top) then
    return { epoch, base, top, entries }
  end
  local left, bytes, start = number(ARGV[10]), 0, '(' .. after .. '-18446744073709551615'
  while left > 0 do
    -- A few at a time, so that what exceeds the limit of bytes isn't fetched in vain.
    local ask = math.min(left, 16)
    local some = redis.call('XRANGE', stream, start, '+', 'COUNT', ask)
    for _, entry in ipairs(some) do
      local at, payload = number(entry[2][2]), entry[2][6]
      if payload and at + number(ARGV[12]) > now then
        bytes = bytes + #payload
        if bytes > number(ARGV[11]) and #entries > 0 then
          return { epoch, base, top, entries }
        end
        entries[#entries + 1] = string.match(entry[1], '^(%d+)-')
        entries[#entries + 1] = payload
        left = left - 1
      end
      start = '(' .. entry[1]
    end
    if #some < ask then
      break
    end
  end
end
return { epoch, base, top, entries }
