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
    held_units, held_at = string.match(held, '(%d+)()', held_at)
    charged_units, charged_at = string.match(charged, '(%d+)()', charged_at)
    if kind == 'B' then
        if held_units and held_units ~= '0' then
            reply = redis.pcall('HINCRBY', key, 'reserved', '-' .. held_units)
            if type(reply) == 'number' and reply < 0 then redis.call('HSET', key, 'reserved', 0) end
        end
        local difference = units - (charged_units or 0)
        if difference ~= 0 and type(reply) ~= 'table' then
            reply = redis.pcall('HINCRBY', key, 'settled', difference)
            -- Maybe new: it must not stay for ever.
            if reply == difference then redis.call('PEXPIREAT', key, span + 86400000) end
        end
    elseif kind == 'C' then
        reply = redis.pcall('ZREM', key, id)
    elseif kind == 'L' and is_release then
        reply = redis.pcall('ZREM', key, id)
    elseif kind == 'R' then
        local difference = units - (held_units or 0) - (charged_units or 0)
        if difference ~= 0 then
            -- Corrects the bucket of the admission, if it is still live.
            local bucket = math.floor(admitted * 60 / span)
            local fields = redis.pcall('HMGET', key, 'b', 't', bucket % 61)
            reply = fields
            if not fields.err and fields[1] then
                local newest, total, current = tonumber(fields[1]), tonumber(fields[2]), tonumber(fields[3] or '0')
                reply = newest and total and current
                if reply and bucket <= newest and newest - bucket < 61 then
                    -- After a step back of the clock the units stand in a newer bucket: never take more than is there.
                    difference = math.max(difference, -current, -total)
                    redis.call('HSET', key, 't', total + difference, bucket % 61, current + difference)
                end
            elseif not fields.err then
                reply = nil
            end
        end
    end
    if reply == false or type(reply) == 'table' and reply.err then skipped = skipped + 1 end
end
