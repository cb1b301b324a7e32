#!lua
--[[
Reserve a call's cost in every limit that covers it, or in none; of several models, choose the one that serves it.

KEYS[1]  epoch         the shard is ready; absent: nothing is known, so nothing is admitted
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3…] counters, one per limit, at most 16, see lib/counters.lua
ARGV[1]  id            26 letters and digits, made by the caller; repeating it returns the first decision
ARGV[2]  now_ms        0: the server's clock, always so in production
ARGV[3]  at_ms         what the caller takes for the server's time: it named the budgets' keys and the lease's end by it
ARGV[4]  record        what lib/record.lua says of a live reservation, made by the caller
ARGV[5]  limits        five doubles each, big-endian: kind (1 L, 2 R, 3 B, 4 C; 0: does not cover the call), cost, amount,
         span, denies. Cost and amount in the limit's units (amount 0: unlimited; cost of L and C: 1); span: window_ms of
         L and R, the period's end in ms of B, lease_ms of C; denies 1, 0 for a limit in shadow, 2 if a cost of 0 is
         denied, too, where nothing is left
A call that several models may serve, or whose answer may be shortened, has besides:
ARGV[6], ARGV[7], …    record and limits on the next cheaper model, and so on; at most 16 models in all
ARGV[#ARGV]  choice    three doubles for each limit: on_units, off_units, least_units. A budget that holds on_units
         (settled + reserved) makes the first model give way to the next until it holds less than off_units; 0: never.
         least_units: what the call costs on the last model with the shortest answer worth having; 0: never shortened
Returns  {1, now_ms, remaining…}   admitted; what remains after it, -1 where unlimited
         {1, now_ms, remaining…, model, held…}    the same of a call with a choice: the number of the model that serves,
                                   and the units held in each limit
         {0, now_ms, index, used, reserved, retry_after_ms}   denied, on the last model, by limit number index, the one
                                   that makes the caller wait longest; retry_after_ms -1: it can never fit
         {2, now_ms}               this id has ended already; nothing is held
         {-1, now_ms}              not ready
         {-2, now_ms}              at_ms is of another day, or over 2 s off: name keys and lease anew
         {-3, now_ms, index}       the budget of limit number index is lost (lib/record.lua): what was spent of it is not
                                   known until the leader has made it anew
Promise  A denial changes nothing. No window ever holds more than its amount. O(limits × models tried), and besides at
         most 60 buckets or 64 entries that expired, per limit.
]]
--#include lib/clock.lua
--#include lib/counters.lua
--#include lib/record.lua
local call, id, count = redis.call, ARGV[1], #KEYS - 2
if count < 0 or count > 16 or #ARGV < 5 or #ARGV[5] ~= count * 40 or #id ~= 26 or #ARGV[3] > 15 or not string.find(ARGV[3], '^%d+$')
    or not string.find(ARGV[4], '^%d+ %d+ [%d,]*\n[^\n]*\n$') then
    return redis.error_reply('ARGUMENT admit: id, at_ms, record or the number of limits')
end
local models, choice, marks = 1, nil, nil
if #ARGV > 5 then
    --#include lib/choice.lua
end
local format = '>' .. string.rep('ddddd', count)
local off = now - tonumber(ARGV[3])
if not call('GET', KEYS[1]) then return {-1, now} end
if off > 2000 or off < -2000 or now % 86400000 - off < 0 or now % 86400000 - off >= 86400000 then return {-2, now} end
local known = call('HGET', KEYS[2], id)
if known and not string.find(known, '^%d') then return {2, now} end

local model, is_shortened = 1, false
-- A repetition stays with the model that was chosen.
if known and choice then model = math.min(tonumber(string.match(known, '\n{"rung":(%d+)') or 1), models) end
local limits, answer, denied, reads, lost
repeat
    local gives_way = false
    limits, answer, denied = {struct.unpack(format, ARGV[3 + 2 * model])}, {1, now}, nil
    -- What was read of windows, for the writing below: four entries each from 4i on. Of a budget: whether it is there.
    reads = {}
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
            local on_units = choice and model == 1 and models > 1 and choice[i * 3 - 2] or 0
            local fields = on_units > 0 and call('HMGET', key, 'settled', 'reserved', 'ladder')
                or call('HMGET', key, 'settled', 'reserved')
            used, reserved = stored(fields[1], key), stored(fields[2], key)
            reads[4 * i] = fields[1] or fields[2]
            if not reads[4 * i] then
                local listed = call('HMGET', KEYS[2], key, 'ready')
                if listed[1] or not listed[2] then lost = i end
            end
            if on_units > 0 then
                local units, is_on = used + reserved, fields[3] and true or false
                local stays_on = units >= on_units or is_on and units >= choice[i * 3 - 1]
                if stays_on then gives_way = true end
                if stays_on ~= is_on then marks[i] = stays_on end
            end
        elseif kind == 4 then
            used = call('ZCOUNT', key, string.format('(%.0f', now), '+inf')
        elseif kind == 0 and choice then
            used, cost, amount = 0, 0, 0
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
        local free, denies = amount - used - reserved, limits[at + 4]
        -- What must be free for the call to pass: its cost, or anything at all.
        local need = cost
        if cost == 0 and denies == 2 then need = 1 end
        if (amount == 0 or denies == 0) and used + reserved + cost > LARGEST then
            return redis.error_reply('RANGE ' .. key .. ' cannot count so much')
        elseif amount == 0 then
            answer[2 + i] = -1
        elseif free >= need or known or denies == 0 then
            if not known then free = free - cost end
            answer[2 + i] = free > 0 and free or 0
        else
            local least = choice and model == models and choice[i * 3] or 0
            if least > 0 then need = least end
            if least > 0 and free >= least then
                -- It holds what is free, and the caller shortens the answer to it.
                limits[at + 1], answer[2 + i], is_shortened = free, 0, true
            else
                --#include lib/waits.lua
                local wait = -1
                if need <= amount then
                    kind = limits[at]
                    if kind == 3 then wait = span - now
                    elseif kind == 4 then wait = 1000
                    elseif kind == 1 then wait = log_wait(key, now, reads[4 * i], span, used, amount)
                    else wait = ring_wait(key, now, span, used, reads[4 * i + 1], reads[4 * i + 3], need, amount) end
                end
                if not denied or denied[6] >= 0 and (wait < 0 or wait > denied[6]) then
                    denied = {0, now, i, used, reserved, wait}
                end
            end
        end
    end
    local is_chosen = lost or known or model == models or not (denied or gives_way)
    if not is_chosen then model = model + 1 end
until is_chosen

if denied and not lost then return denied end
if lost then
    answer = {-3, now, lost}
elseif choice then
    answer[3 + count] = model
    local held = known and string.gmatch(string.match(known, '^%d+ %d+ ([%d,]*)'), '%d+')
    for i = 1, count do answer[3 + count + i] = held and tonumber(held() or 0) or limits[i * 5 - 3] end
end
if known and not lost then return answer end

--#decided: above nothing is written
if lost then
    call('HSET', KEYS[2], 'lost', 1)
    return answer
end
for i = 1, count do
    local key, at = KEYS[2 + i], i * 5 - 4
    local kind, cost, span, read = limits[at], limits[at + 1], limits[at + 3], reads[4 * i]
    if kind == 3 then
        call('HINCRBY', key, 'reserved', cost)
        -- Kept for a day after its period, for calls that settle late.
        if not read then
            call('PEXPIREAT', key, span + 86400000)
            call('HSET', KEYS[2], key, string.format('%.0f', span + 86400000))
        end
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
    elseif kind ~= 0 then
        -- Entries that no longer count go, at most 64 a call: each call adds one, so they always get fewer.
        local score, gone, life = read, nil, span + 1000
        if kind == 4 then score, gone, life = now + span, now, span + 60000 else gone = score - span end
        call('ZADD', key, score, id)
        local expired = call('ZRANGEBYSCORE', key, '-inf', gone, 'LIMIT', 0, 64)
        if expired[1] then call('ZREM', key, unpack(expired)) end
        call('PEXPIRE', key, life)
    end
end
local record = ARGV[2 + 2 * model]
if choice then
    for i, is_on in pairs(marks) do
        -- The budget's first model gives way, until it holds less again: what it holds changes with every settlement.
        if is_on then call('HSET', KEYS[2 + i], 'ladder', 1) else call('HDEL', KEYS[2 + i], 'ladder') end
    end
    if is_shortened then
        local held = {}
        for i = 1, count do held[i] = string.format('%.0f', limits[i * 5 - 3]) end
        record = string.gsub(record, '^(%d+ %d+ )[%d,]*', '%1' .. table.concat(held, ','))
    end
end
call('HSET', KEYS[2], id, record)
return answer
