#!lua
--[[
Reserve a call's cost in every limit that covers it, or in none.

KEYS[1]  epoch         the shard is ready; absent: nothing is known, so nothing is admitted
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3…] counters, one per limit, at most 16, see lib/counters.lua
ARGV[1]  id            26 letters and digits, made by the caller; repeating it returns the first decision
ARGV[2]  now_ms        0: the server's clock, always so in production
ARGV[3]  at_ms         what the caller takes for the server's time: it named the budgets' keys and the lease's end by it
ARGV[4]  record        what lib/record.lua says of a live reservation, made by the caller
ARGV[5]  limits        five doubles each, big-endian: kind (1 L, 2 R, 3 B, 4 C), cost, amount, span, denies. Cost and
         amount in the limit's units (amount 0: unlimited; cost of L and C: 1); span: window_ms of L and R, the period's
         end in ms of B, lease_ms of C; denies 1, or 0 for a limit in shadow
Returns  {1, now_ms, remaining…}   admitted; what remains after it, -1 where unlimited
         {0, now_ms, index, used, reserved, retry_after_ms}   denied by limit number index, the one that makes the
                                   caller wait longest; retry_after_ms -1: it can never fit
         {2, now_ms}               this id has ended already; nothing is held
         {-1, now_ms}              not ready
         {-2, now_ms}              at_ms is of another day, or over 2 s off: name keys and lease anew
Promise  A denial changes nothing. No window ever holds more than its amount. O(limits), and besides at most 60
         buckets or 64 entries that expired, per limit.
]]
--#include lib/clock.lua
--#include lib/counters.lua
--#include lib/record.lua
local call, id, count = redis.call, ARGV[1], #KEYS - 2
if count < 0 or count > 16 or #ARGV ~= 5 or #ARGV[5] ~= count * 40 or #id ~= 26 or #ARGV[3] > 15 or not string.find(ARGV[3], '^%d+$')
    or not string.find(ARGV[4], '^%d+ %d+ [%d,]*\n[^\n]*\n$') then
    return redis.error_reply('ARGUMENT admit: id, at_ms, record or the number of limits')
end
local limits = {struct.unpack('>' .. string.rep('ddddd', count), ARGV[5])}
local off = now - tonumber(ARGV[3])
if not call('GET', KEYS[1]) then return {-1, now} end
if off > 2000 or off < -2000 or now % 86400000 - off < 0 or now % 86400000 - off >= 86400000 then return {-2, now} end
local known = call('HGET', KEYS[2], id)
if known and not string.find(known, '^%d') then return {2, now} end

local answer, denied = {1, now}, nil
-- What was read of windows, for the writing below: four entries each from 4i on. Of a budget: whether it is there.
local reads = {}
for i = 1, count do
    local key, at = KEYS[2 + i], i * 5 - 4
    local kind, cost, amount, span = limits[at], limits[at + 1], limits[at + 2], limits[at + 3]
    local used, reserved = nil, 0
    -- A number that is none, is negative or has a fraction must not come near a comparison.
    if not (cost >= 0 and cost <= LARGEST and amount >= 0 and amount <= LARGEST and span >= 0 and span <= LARGEST)
        or cost % 1 ~= 0 or amount % 1 ~= 0 or span % 1 ~= 0 or span == 0 then
        return redis.error_reply('ARGUMENT admit: limit ' .. i)
    end
    if kind == 3 then
        local fields = call('HMGET', key, 'settled', 'reserved')
        used, reserved = stored(fields[1], key), stored(fields[2], key)
        reads[4 * i] = fields[1] or fields[2]
    elseif kind == 4 then
        used = call('ZCOUNT', key, string.format('(%.0f', now), '+inf')
    elseif kind ~= 1 and kind ~= 2 then
        return redis.error_reply('ARGUMENT admit: kind of limit ' .. i)
    else
        if kind == 1 then used, reads[4 * i] = log_read(key, now, span) end
        if not used then
            used, reads[4 * i + 1], reads[4 * i + 2], reads[4 * i + 3] = ring_read(key, now, span)
            limits[at], reads[4 * i] = 2, used
        end
        if not used and kind == 2 then
            used, reads[4 * i] = log_read(key, now, span)
            if used and cost <= 1 then
                limits[at] = 1
            elseif used then
                -- A log counts requests. What costs more is another unit, of which nothing has been used yet.
                used, reads[4 * i], reads[4 * i + 1], reads[4 * i + 2] = 0, 0, math.floor(now * 60 / span), 0
                reads[4 * i + 3] = 61
            end
        end
        if not used then return redis.error_reply('CORRUPT ' .. key .. ' is no window') end
    end
    local left = amount - used - reserved
    if not known then left = left - cost end
    if (amount == 0 or limits[at + 4] == 0) and used + reserved + cost > LARGEST then
        return redis.error_reply('RANGE ' .. key .. ' cannot count so much')
    elseif amount == 0 then
        answer[2 + i] = -1
    elseif left >= 0 or known or limits[at + 4] == 0 then
        answer[2 + i] = left > 0 and left or 0
    else
        --#include lib/waits.lua
        local wait = -1
        if cost <= amount then
            kind = limits[at]
            if kind == 3 then wait = span - now
            elseif kind == 4 then wait = 1000
            elseif kind == 1 then wait = log_wait(key, now, reads[4 * i], span, used, amount)
            else wait = ring_wait(key, now, span, used, reads[4 * i + 1], reads[4 * i + 3], cost, amount) end
        end
        if not denied or denied[6] >= 0 and (wait < 0 or wait > denied[6]) then
            denied = {0, now, i, used, reserved, wait}
        end
    end
end
if known then return answer end
if denied then return denied end

for i = 1, count do
    local key, at = KEYS[2 + i], i * 5 - 4
    local kind, cost, span, read = limits[at], limits[at + 1], limits[at + 3], reads[4 * i]
    if kind == 3 then
        call('HINCRBY', key, 'reserved', cost)
        -- Kept for a day after its period, for calls that settle late.
        if not read then call('PEXPIREAT', key, span + 86400000) end
    elseif kind == 2 then
        local bucket, current, passed = reads[4 * i + 1], reads[4 * i + 2], reads[4 * i + 3]
        if passed >= 61 then
            call('DEL', key)
        elseif passed > 1 then
            local slots = {}
            for number = bucket - passed + 1, bucket do slots[#slots + 1] = number % 61 end
            call('HDEL', key, unpack(slots))
        end
        call('HSET', key, 'b', bucket, 't', read + cost, bucket % 61, current + cost)
        -- Only when the bucket is new: it must outlive its own window and bucket.
        if passed > 0 then call('PEXPIRE', key, span + math.ceil(span / 30)) end
    else
        -- Entries that no longer count go, at most 64 a call: each call adds one, so they always get fewer.
        local score, gone, life = read, nil, span + 1000
        if kind == 4 then score, gone, life = now + span, now, span + 60000 else gone = score - span end
        call('ZADD', key, score, id)
        local expired = call('ZRANGEBYSCORE', key, '-inf', gone, 'LIMIT', 0, 64)
        if expired[1] then call('ZREM', key, unpack(expired)) end
        call('PEXPIRE', key, life)
    end
end
call('HSET', KEYS[2], id, ARGV[4])
return answer
