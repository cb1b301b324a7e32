--[[
The end of a reservation: what its counters hold is replaced by what was used. Expects `id`, `limits_at` (ARGV before
the first limit), `admitted` (ms), `held` and `charged` (texts "units,units,..." in the order of the limits; charged: what
an orphan has been charged already), `is_release`; sets `skipped`, the number of counters that could not be corrected:
one of a foreign type or with a corrupt field is left as it is, for the event is in the stream and the ledger has the
truth.

Each limit's argument: "<kind> <units> <span>": kind and span as for admit, units really used (0 for a release).
]]
local skipped, held_at, charged_at = 0, 1, 1
for i = 1, #KEYS - 3 do
    local key, reply = KEYS[3 + i], nil
    local kind, units, span = string.match(ARGV[limits_at + i], '^([LRBC]) (%d+) (%d+)$')
    local held_units, charged_units
    held_units, held_at = string.match(held, '(%d+)()', held_at or #held + 1)
    charged_units, charged_at = string.match(charged, '(%d+)()', charged_at or #charged + 1)
    held_units, charged_units = tonumber(held_units or 0), tonumber(charged_units or 0)
    if kind == 'L' and is_release then
        reply = redis.pcall('ZREM', key, id)
        -- No log: its request may stand in a ring, as an earlier policy had it.
        if type(reply) == 'table' then kind = 'R' end
    end
    if kind == 'B' then
        if held_units > 0 then
            reply = redis.pcall('HINCRBY', key, 'reserved', -held_units)
            if type(reply) == 'number' and reply < 0 then
                redis.call('HSET', key, 'reserved', 0)
                -- What was held is gone, so the key may be new: it must not stay for ever.
                redis.call('PEXPIREAT', key, span + 86400000)
            end
        end
        local difference = units - charged_units
        if difference ~= 0 and type(reply) ~= 'table' then
            reply = redis.pcall('HINCRBY', key, 'settled', difference)
            if type(reply) == 'number' and reply < 0 then redis.call('HSET', key, 'settled', 0) end
            if type(reply) == 'number' and reply <= difference then redis.call('PEXPIREAT', key, span + 86400000) end
        end
    elseif kind == 'C' then
        reply = redis.pcall('ZREM', key, id)
    elseif kind == 'R' then
        local difference = units - held_units - charged_units
        if difference ~= 0 then
            -- Corrects the bucket of the admission, if it is still live.
            local bucket = math.floor(admitted * 60 / span)
            local fields = redis.pcall('HMGET', key, 'b', 't', bucket % 61)
            reply = fields
            if fields.err then
                -- A log, as an earlier policy had it: there a request is whole or gone.
                if is_release then reply = redis.pcall('ZREM', key, id) end
            elseif fields[1] then
                local newest, total, current = string.match(
                    fields[1] .. ' ' .. (fields[2] or '') .. ' ' .. (fields[3] or '0'), '^(%d+) (%d+) (%d+)$')
                reply = newest ~= nil
                local age = newest and newest - bucket
                if age and age >= 0 and age < 61 then
                    -- After a step back of the clock the units stand in a newer bucket: never take more than is there.
                    difference = math.max(math.min(difference, 9007199254740991 - total), -current, -total)
                    redis.call('HSET', key, 't', total + difference, bucket % 61, current + difference)
                end
            end
        end
    end
    if reply == false or type(reply) == 'table' and reply.err then skipped = skipped + 1 end
end
