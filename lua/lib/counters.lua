--[[
The four kinds of counter.

  L  log     zset: member = reservation id, score = admission in ms. Counts admissions in (now - window, now].
  R  ring    hash: b = newest bucket's number, t = total of all live buckets, 0..60 = units of bucket number % 61.
             A bucket is a sixtieth of the window. The newest bucket and the sixty before it count in full, so no
             window of any position ever holds more than the amount; a denial can last one bucket too long.
  B  budget  hash: settled, reserved. The period is in the key's name.
  C  calls in flight: zset: member = reservation id, score = end of its lease in ms.

Where a policy has made a ring of what was a log, or the reverse, what is stored decides until the subject has been
idle for a window: nothing that was used is forgotten.
]]
local LARGEST = 9007199254740991 -- 2^53 - 1: the largest integer that a Lua number keeps exactly
local BUCKETS = 60
local SLOTS = BUCKETS + 1

-- The integer of a stored field; an absent field is 0, anything else than a number in range is an error.
local function stored(text, key)
    if not text then return 0 end
    local number = tonumber(text)
    if number and number >= 0 and number <= LARGEST and number % 1 == 0 then return number end
    return error({err = 'CORRUPT ' .. key .. ' holds what weir did not write'})
end

local function is_wrong_type(reply)
    return type(reply) == 'table' and reply.err and string.find(reply.err, '^WRONGTYPE') ~= nil
end

-- Admissions in the window, and the time that counts as now: never behind the newest admission, whatever the clock
-- does. Nil if the key is not a log.
local function log_read(key, now, window)
    local newest = redis.pcall('ZRANGE', key, -1, -1, 'WITHSCORES')
    if is_wrong_type(newest) then return nil end
    if not newest[2] then return 0, now end
    now = math.max(now, tonumber(newest[2]))
    return redis.call('ZCOUNT', key, string.format('(%.0f', now - window), '+inf'), now
end

-- Milliseconds until one more fits into a log that holds `used` of `amount` at the time `at`.
local function log_wait(key, now, at, window, used, amount)
    local leaving = redis.call('ZRANGEBYSCORE', key, string.format('(%.0f', at - window), '+inf', 'WITHSCORES',
        'LIMIT', used - amount, 1)
    return leaving[2] and leaving[2] + window - now or window
end

local function log_add(key, at, window, id)
    redis.call('ZADD', key, at, id)
    -- At most 64 a call, so that no call pays for a long silence; each call adds one, so they always get fewer.
    local expired = redis.call('ZRANGEBYSCORE', key, '-inf', at - window, 'LIMIT', 0, 64)
    if expired[1] then redis.call('ZREM', key, unpack(expired)) end
    redis.call('PEXPIRE', key, window + 1000)
end

-- What a ring holds now: units in the window, number of the current bucket, units in it, and how many buckets have
-- passed since the newest stored one (SLOTS or more: nothing stored is live). Nil if the key is not a ring.
-- Never goes back behind the newest bucket, whatever the clock does.
local function ring_read(key, now, window)
    local bucket = math.floor(now * BUCKETS / window)
    local fields = redis.pcall('HMGET', key, 'b', 't', bucket % SLOTS)
    if is_wrong_type(fields) then return nil end
    if not fields[1] then return 0, bucket, 0, SLOTS end
    local newest, used = stored(fields[1], key), stored(fields[2], key)
    local passed = bucket - newest
    if passed == 0 then return used, bucket, stored(fields[3], key), 0 end
    if passed == 1 then return used - stored(fields[3], key), bucket, 0, 1 end
    if passed >= SLOTS then return 0, bucket, 0, SLOTS end
    if passed < 0 then return used, newest, stored(redis.call('HGET', key, newest % SLOTS), key), 0 end
    local slots = {}
    for number = newest + 1, bucket do slots[#slots + 1] = number % SLOTS end
    for _, units in ipairs(redis.call('HMGET', key, unpack(slots))) do used = used - stored(units, key) end
    return used, bucket, 0, passed
end

-- Milliseconds until `cost` more fit into a ring that holds `used` of `amount`; `bucket`, `passed` as read.
local function ring_wait(key, now, window, used, bucket, passed, cost, amount)
    local slots = {}
    for number = bucket - BUCKETS, bucket - passed do slots[#slots + 1] = number % SLOTS end
    if slots[1] then
        for i, units in ipairs(redis.call('HMGET', key, unpack(slots))) do
            used = used - stored(units, key)
            if used + cost <= amount then
                return math.ceil((bucket - BUCKETS + i - 1 + SLOTS) * window / BUCKETS) - now
            end
        end
    end
    return window
end

-- Adds `cost` to the current bucket; `used`, `bucket`, `current`, `passed` as read, before the addition.
local function ring_add(key, now, window, used, bucket, current, passed, cost)
    if passed > 1 then
        if passed >= SLOTS then
            redis.call('DEL', key)
        else
            local slots = {}
            for number = bucket - passed + 1, bucket do slots[#slots + 1] = number % SLOTS end
            redis.call('HDEL', key, unpack(slots))
        end
    end
    redis.call('HSET', key, 'b', bucket, 't', used + cost, bucket % SLOTS, current + cost)
    -- Only when the bucket is new: it must outlive its own window and bucket.
    if passed > 0 then redis.call('PEXPIRE', key, window + math.ceil(window / 30)) end
end

-- Corrects the bucket of an admission by `difference` units, if that bucket is still live.
local function ring_correct(key, admitted, window, difference)
    local bucket = math.floor(admitted * BUCKETS / window)
    local fields = redis.pcall('HMGET', key, 'b', 't', bucket % SLOTS)
    if fields.err or not fields[1] then return not fields.err end
    local newest, used, units = tonumber(fields[1]), tonumber(fields[2]), tonumber(fields[3] or '0')
    if not newest or not used or not units then return false end
    if newest - bucket >= SLOTS or bucket > newest then return true end
    -- After a step back of the clock the units stand in a newer bucket: never take more than is there.
    difference = math.max(difference, -units, -used)
    redis.call('HSET', key, 't', used + difference, bucket % SLOTS, units + difference)
    return true
end

-- Settled and reserved units, and whether the key is new.
local function budget_read(key)
    local fields = redis.call('HMGET', key, 'settled', 'reserved')
    return stored(fields[1], key), stored(fields[2], key), not fields[1] and not fields[2]
end

-- A budget is kept for a day after its period, for calls that settle late.
local BUDGET_GRACE_MS = 86400000

local function flight_used(key, now)
    return redis.call('ZCOUNT', key, string.format('(%.0f', now), '+inf')
end

local function flight_add(key, now, lease_end, id)
    redis.call('ZADD', key, lease_end, id)
    local dead = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, 64)
    if dead[1] then redis.call('ZREM', key, unpack(dead)) end
    redis.call('PEXPIREAT', key, lease_end + 60000)
end
