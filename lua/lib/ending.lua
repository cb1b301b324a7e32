--[[
The end of a reservation: what was held is replaced by what was used, once.
KEYS from 5 on are its counters, in the order of the admission; ARGV from 5 on describe them:
"<kind> <units> <span>": kind and span as for admit, units really used (0 for a release).
]]
local ENDED_MS = 900000 -- how long an ending is remembered; later repeats only reach the ledger, which knows them by id

local function numbers(list)
    local values = {}
    for text in string.gmatch(list or '', '%d+') do values[#values + 1] = tonumber(text) end
    return values
end

-- Reads and checks the description of the counters. Returns kinds, units, spans; or nil.
local function endings_read()
    local kinds, units, spans = {}, {}, {}
    for i = 5, #KEYS do
        local kind, used, span = string.match(ARGV[i] or '', '^([LRBC]) (%d+) (%d+)$')
        used, span = tonumber(used), tonumber(span)
        if not kind or used > LARGEST or span > LARGEST then return nil end
        kinds[#kinds + 1], units[#units + 1], spans[#spans + 1] = kind, used, span
    end
    if #ARGV ~= math.max(4, #KEYS) or #KEYS > 20 then return nil end
    return kinds, units, spans
end

-- Remembers how `id` ended and forgets its record.
local function end_record(id, how)
    redis.call('HSET', KEYS[3], id, how)
    if redis.call('HLEN', KEYS[3]) == 1 then redis.call('PEXPIRE', KEYS[3], ENDED_MS) end
    redis.call('HDEL', KEYS[2], id)
end

--[[
Replaces what each counter holds (`held`) and what it was charged already (`charged`, of an orphan) by `units`.
A counter that cannot be corrected (a foreign type, a corrupt field) is left as it is and counted: the event is in the
stream, and the ledger has the truth. `admitted` is nil when the reservation was never seen.
]]
local function settle_counters(id, now, admitted, held, charged, kinds, units, spans, is_release)
    local skipped = 0
    for i = 1, #kinds do
        local key, kind, reply = KEYS[4 + i], kinds[i], nil
        local difference = units[i] - (charged[i] or 0)
        if kind == 'B' then
            if (held[i] or 0) > 0 then
                reply = redis.pcall('HINCRBY', key, 'reserved', -held[i])
                if type(reply) == 'number' and reply < 0 then redis.call('HSET', key, 'reserved', 0) end
            end
            if difference ~= 0 and not (reply and type(reply) == 'table') then
                reply = redis.pcall('HINCRBY', key, 'settled', difference)
                if reply == difference then redis.call('PEXPIREAT', key, spans[i] + BUDGET_GRACE_MS) end
            end
        elseif kind == 'C' then
            reply = redis.pcall('ZREM', key, id)
        elseif kind == 'L' and is_release then
            reply = redis.pcall('ZREM', key, id)
            if is_wrong_type(reply) then reply = ring_correct(key, admitted or now, spans[i], -1) end
        elseif kind == 'R' then
            difference = difference - (held[i] or 0)
            if difference ~= 0 then
                local type_reply = redis.call('TYPE', key)
                if type_reply.ok == 'zset' then
                    if is_release then redis.call('ZREM', key, id) end
                else
                    reply = ring_correct(key, admitted or now, spans[i], difference)
                end
            end
        end
        if reply == false or type(reply) == 'table' then skipped = skipped + 1 end
    end
    return skipped
end
