#!lua
--[[
Reserve a call's cost in every limit that covers it, or in none.

KEYS[1]  epoch         the shard is ready; absent: nothing is known, so nothing is admitted
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3…] counters, one per limit, at most 16, see lib/counters.lua
ARGV[1]  id            26 letters and digits, made by the caller; repeating it returns the first decision
ARGV[2]  now_ms        0: the server's clock, always so in production
ARGV[3]  day           number of the UTC day that the budgets' keys were named for
ARGV[4]  lease_ms      how long the cost is held unless renewed
ARGV[5]  call          one line of JSON, kept for whoever must settle
ARGV[6…] one per limit: "<kind> <cost> <amount> <span> <denies>": kind L, R, B or C; cost and amount in the limit's
         units (amount 0: unlimited; cost of L and C: 1); span: window_ms for L and R, the period's end in ms for B,
         0 for C; denies 1, or 0 for a limit in shadow
Returns  {1, now_ms, remaining…}   admitted; what remains after it, -1 where unlimited
         {0, now_ms, index, used, reserved, retry_after_ms}   denied by limit number index, the one that makes the
                                   caller wait longest; retry_after_ms -1: it can never fit
         {2, now_ms}               this id has ended already; nothing is held
         {-1, now_ms}              not ready
         {-2, now_ms}              the day is another: name the keys anew
Promise  A denial changes nothing. No window ever holds more than its amount. O(limits), and besides at most 60
         buckets or 64 entries that expired, per limit.
]]
--#include lib/clock.lua
--#include lib/counters.lua
--#include lib/record.lua
local id, lease_ms, count = ARGV[1], ARGV[4], #KEYS - 2
if count < 0 or count > 16 or #ARGV ~= count + 5 or #id ~= 26 or string.find(id, '%W') or #lease_ms > 12
    or not string.find(lease_ms, '^[1-9]%d*$') or string.find(ARGV[5], '\n', 1, true) then
    return redis.error_reply('ARGUMENT admit: id, lease_ms, call or the number of limits')
end
lease_ms = tonumber(lease_ms)
if not redis.call('GET', KEYS[1]) then return {-1, now} end
if math.floor(now / 86400000) ~= tonumber(ARGV[3]) then return {-2, now} end
local known = redis.call('HGET', KEYS[2], id)
if known and not string.find(known, '^%d') then return {2, now} end

local answer, held, denied = {1, now}, '', nil
-- What was read and parsed of limit i, for the writing below.
local kinds, costs, spans, reads, buckets, currents, passes = {}, {}, {}, {}, {}, {}, {}
for i = 1, count do
    local key = KEYS[2 + i]
    local kind, cost_text, amount, span, denies = string.match(ARGV[5 + i], '^([LRBC]) (%d+) (%d+) (%d+) ([01])$')
    local cost, used, reserved = tonumber(cost_text), nil, 0
    amount, span = tonumber(amount), tonumber(span)
    if not kind or cost > LARGEST or amount > LARGEST or span > LARGEST or span == 0 and kind ~= 'C' then
        return redis.error_reply('ARGUMENT admit: limit ' .. i)
    end
    if kind == 'B' then
        local fields = redis.call('HMGET', key, 'settled', 'reserved')
        used, reserved = stored(fields[1], key), stored(fields[2], key)
        reads[i] = fields[1] or fields[2]
    elseif kind == 'C' then
        used = redis.call('ZCOUNT', key, string.format('(%.0f', now), '+inf')
    else
        if kind == 'L' then used, reads[i] = log_read(key, now, span) end
        if not used then
            kind = 'R'
            used, buckets[i], currents[i], passes[i] = ring_read(key, now, span)
            reads[i] = used
        end
        if not used and kind == 'R' then
            used, reads[i] = log_read(key, now, span)
            if used and cost <= 1 then
                kind = 'L'
            elseif used then
                -- A log counts requests. What costs more is another unit, of which nothing has been used yet.
                used, buckets[i], currents[i], passes[i], reads[i] = 0, math.floor(now * 60 / span), 0, 61, 0
            end
        end
        if not used then return redis.error_reply('CORRUPT ' .. key .. ' is no window') end
    end
    kinds[i], costs[i], spans[i] = kind, cost, span
    held = i == 1 and cost_text or held .. ',' .. cost_text
    local left = amount - used - reserved - (known and 0 or cost)
    if (amount == 0 or denies == '0') and used + reserved + cost > LARGEST then
        return redis.error_reply('RANGE ' .. key .. ' cannot count so much')
    elseif amount == 0 then
        answer[2 + i] = -1
    elseif left >= 0 or known or denies == '0' then
        answer[2 + i] = left > 0 and left or 0
    else
        --#include lib/waits.lua
        local wait = -1
        if cost <= amount then
            if kind == 'B' then wait = span - now
            elseif kind == 'C' then wait = 1000
            elseif kind == 'L' then wait = log_wait(key, now, reads[i], span, used, amount)
            else wait = ring_wait(key, now, span, used, buckets[i], passes[i], cost, amount) end
        end
        if not denied or denied[6] >= 0 and (wait < 0 or wait > denied[6]) then
            denied = {0, now, i, used, reserved, wait}
        end
    end
end
if known then return answer end
if denied then return denied end

for i = 1, count do
    local key, kind, cost, span = KEYS[2 + i], kinds[i], costs[i], spans[i]
    if kind == 'B' then
        redis.call('HINCRBY', key, 'reserved', cost)
        -- Kept for a day after its period, for calls that settle late.
        if not reads[i] then redis.call('PEXPIREAT', key, span + 86400000) end
    elseif kind == 'R' then
        local bucket, passed = buckets[i], passes[i]
        if passed >= 61 then
            redis.call('DEL', key)
        elseif passed > 1 then
            local slots = {}
            for number = bucket - passed + 1, bucket do slots[#slots + 1] = number % 61 end
            redis.call('HDEL', key, unpack(slots))
        end
        redis.call('HSET', key, 'b', bucket, 't', reads[i] + cost, bucket % 61, currents[i] + cost)
        -- Only when the bucket is new: it must outlive its own window and bucket.
        if passed > 0 then redis.call('PEXPIRE', key, span + math.ceil(span / 30)) end
    else
        -- Entries that no longer count go, at most 64 a call: each call adds one, so they always get fewer.
        local score, gone, life = reads[i], nil, span + 1000
        if kind == 'C' then score, gone, life = now + lease_ms, now, lease_ms + 60000 else gone = score - span end
        redis.call('ZADD', key, score, id)
        local expired = redis.call('ZRANGEBYSCORE', key, '-inf', gone, 'LIMIT', 0, 64)
        if expired[1] then redis.call('ZREM', key, unpack(expired)) end
        redis.call('PEXPIRE', key, life)
    end
end
redis.call('HSET', KEYS[2], id, string.format('%.0f %.0f ', now + lease_ms, now) .. held .. '\n' .. ARGV[5] .. '\n')
return answer
