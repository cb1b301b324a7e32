-- Milliseconds until one more fits into a log that holds `used` of `amount` at the time `at`.
local function log_wait(key, now, at, window, used, amount)
    local leaving = redis.call('ZRANGEBYSCORE', key, string.format('(%.0f', at - window), '+inf', 'WITHSCORES',
        'LIMIT', used - amount, 1)
    return leaving[2] and leaving[2] + window - now or window
end

-- Milliseconds until `cost` more fit into a ring that holds `used` of `amount`; `bucket`, `passed` as read.
local function ring_wait(key, now, window, used, bucket, passed, cost, amount)
    local slots = {}
    for number = bucket - 60, bucket - passed do slots[#slots + 1] = number % 61 end
    if slots[1] then
        for i, units in ipairs(redis.call('HMGET', key, unpack(slots))) do
            used = used - stored(units, key)
            if used + cost <= amount then return math.ceil((bucket + i) * window / 60) - now end
        end
    end
    return window
end
