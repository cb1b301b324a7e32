--[[
The four kinds of counter.

  L  log     zset: member = reservation id, score = admission in ms. Counts admissions in (now - window, now].
  R  ring    hash: b = newest bucket's number, t = total of all live buckets, 0..60 = units of bucket number % 61.
             A bucket is a sixtieth of the window. The newest bucket and the sixty before it count in full, so no
             window of any position ever holds more than the amount; a denial can last one bucket too long.
  B  budget  hash: settled, reserved. The period is in the key's name. ladder: 1 while it makes calls take a cheaper
             model.
  C  calls in flight: zset: member = reservation id, score = end of its lease in ms.

Where a policy has made a ring of what was a log, or the reverse, what is stored decides until the subject has been
idle for a window: nothing that was used is forgotten.

A function is made anew at every run and costs 0.1 µs, so what only denials need is included where they need it.
]]
local LARGEST = 9007199254740991 -- 2^53 - 1: the largest integer that a Lua number keeps exactly

local function corrupt(key)
    return error({err = 'CORRUPT ' .. key .. ' holds what weir did not write'})
end

-- The integer of a stored field; an absent field is 0, and one beyond exactness is as large as can be. Anything that
-- HINCRBY could not go on from is an error: it must be found before the first write.
local function stored(text, key)
    if not text or text == '0' then return 0 end
    if #text > 18 or not string.find(text, '^[1-9]%d*$') then return corrupt(key) end
    return math.min(tonumber(text), LARGEST)
end

-- Admissions in the window, and the time that counts as now: never behind the newest admission, whatever the clock
-- does. Nil if the key is not a log.
local function log_read(key, now, window)
    local newest = redis.pcall('ZRANGE', key, -1, -1, 'WITHSCORES')
    if newest.err then return nil end
    if not newest[2] then return 0, now end
    local score = tonumber(newest[2])
    if score > LARGEST or score % 1 ~= 0 then return corrupt(key) end
    now = math.max(now, score)
    return redis.call('ZCOUNT', key, string.format('(%.0f', now - window), '+inf'), now
end

-- What a ring holds now: units in the window, number of the current bucket, units in it, and how many buckets have
-- passed since the newest stored one (61 or more: nothing stored is live). Nil if the key is not a ring.
-- Never goes back behind the newest bucket, whatever the clock does.
local function ring_read(key, now, window)
    local bucket = math.floor(now * 60 / window)
    local fields = redis.pcall('HMGET', key, 'b', 't', bucket % 61)
    if fields.err then return nil end
    if not fields[1] then
        if fields[2] or fields[3] then return corrupt(key) end
        return 0, bucket, 0, 61
    end
    local newest, used = stored(fields[1], key), stored(fields[2], key)
    local passed = bucket - newest
    if passed == 0 then return used, bucket, stored(fields[3], key), 0 end
    if passed >= 61 then return 0, bucket, 0, 61 end
    if passed < 0 then return used, newest, stored(redis.call('HGET', key, newest % 61), key), 0 end
    if passed == 1 then
        used = used - stored(fields[3], key)
    else
        local slots = {}
        for number = newest + 1, bucket do slots[#slots + 1] = number % 61 end
        for _, units in ipairs(redis.call('HMGET', key, unpack(slots))) do used = used - stored(units, key) end
    end
    if used < 0 then return corrupt(key) end
    return used, bucket, 0, passed
end
