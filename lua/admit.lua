#!lua
--[[
Reserve a call's cost in every limit that covers it, or in none.

KEYS[1]  epoch         the shard is ready; absent: nothing is known, so nothing is admitted
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3]  ended         hash of the minute of the id's birth
KEYS[4…] counters, one per limit, at most 16, see lib/counters.lua
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
local id, day, lease_ms, call = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local count = #KEYS - 3
if not id_is_valid(id) or not day or not lease_ms or count > 16 or #ARGV ~= count + 5 then
    return redis.error_reply('ARGUMENT admit: id, day, lease_ms or the number of limits')
end
local now = now_from(ARGV[2])
if not redis.call('GET', KEYS[1]) then return {-1, now} end
if math.floor(now / 86400000) ~= day then return {-2, now} end
if redis.call('HGET', KEYS[3], id) then return {2, now} end
local repeated = redis.call('HGET', KEYS[2], id)

local answer, kinds, costs, spans, held = {1, now}, {}, {}, {}, {}
local ring_used, ring_bucket, ring_current, ring_passed, log_at, is_new = {}, {}, {}, {}, {}, {}
local denied, denied_used, denied_reserved, denied_wait
for i = 1, count do
    local key = KEYS[3 + i]
    local kind, cost_text, amount, span, denies = string.match(ARGV[5 + i], '^([LRBC]) (%d+) (%d+) (%d+) ([01])$')
    local cost, used, reserved = tonumber(cost_text), nil, 0
    amount, span = tonumber(amount), tonumber(span)
    if not kind or cost > LARGEST or amount > LARGEST or span > LARGEST then
        return redis.error_reply('ARGUMENT admit: limit ' .. i)
    end
    if kind == 'B' then
        used, reserved, is_new[i] = budget_read(key)
    elseif kind == 'C' then
        used = flight_used(key, now)
    else
        if kind == 'L' then used, log_at[i] = log_read(key, now, span) end
        if not used then
            used, ring_bucket[i], ring_current[i], ring_passed[i] = ring_read(key, now, span)
            ring_used[i], kind = used, used and 'R' or 'L'
            if not used then used, log_at[i] = log_read(key, now, span) end
        end
        if not used then return redis.error_reply('CORRUPT ' .. key .. ' is no window') end
    end
    kinds[i], costs[i], spans[i], held[i] = kind, cost, span, cost_text
    local left = amount - used - reserved - (repeated and 0 or cost)
    if amount == 0 then
        answer[2 + i] = -1
    elseif left >= 0 or repeated or denies == '0' then
        answer[2 + i] = math.max(0, left)
    else
        local wait = -1
        if cost > amount then wait = -1
        elseif kind == 'B' then wait = span - now
        elseif kind == 'R' then
            wait = ring_wait(key, now, span, used, ring_bucket[i], ring_passed[i], cost, amount)
        elseif kind == 'L' then wait = log_wait(key, now, log_at[i], span, used, amount)
        else wait = 1000 end
        if not denied or denied_wait >= 0 and (wait < 0 or wait > denied_wait) then
            denied, denied_used, denied_reserved, denied_wait = i, used, reserved, wait
        end
    end
end
if repeated then return answer end
if denied then return {0, now, denied, denied_used, denied_reserved, denied_wait} end

for i = 1, count do
    local key, kind, cost = KEYS[3 + i], kinds[i], costs[i]
    if kind == 'B' then
        redis.call('HINCRBY', key, 'reserved', cost)
        if is_new[i] then redis.call('PEXPIREAT', key, spans[i] + BUDGET_GRACE_MS) end
    elseif kind == 'R' then
        ring_add(key, now, spans[i], ring_used[i], ring_bucket[i], ring_current[i], ring_passed[i], cost)
    elseif kind == 'L' then
        log_add(key, log_at[i], spans[i], id)
    else
        flight_add(key, now, now + lease_ms, id)
    end
end
redis.call('HSET', KEYS[2], id, record_text(now + lease_ms, now, table.concat(held, ','), call, ''))
return answer
