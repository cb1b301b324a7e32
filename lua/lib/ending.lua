--[[
The end of a reservation: what its counters hold is replaced by what was used. Expects what lib/arguments.lua sets,
`held` and `charged` (texts "units,units,..." in the order of the limits; charged: what an orphan has been charged already;
nil: nothing) and `is_release`; sets `skipped`, the number of counters that could not be corrected: one of a foreign type
or with a corrupt field is left as it is, for the event is in the stream and the ledger has the truth.

Each limit's three doubles: kind and span as for admit (span 0 for C), and between them the units really used, 0 for a
release.
]]
local skipped, position, charged_position = 0, 1, 1
for i = 1, count do
    local key, at, reply = KEYS[3 + i], i * 3 - 2, nil
    local kind, units = limits[at], limits[at + 1]
    local held_units, charged_units
    if held then held_units, position = string.match(held, '(%d+)()', position) end
    if charged then
        charged_units, charged_position = string.match(charged, '(%d+)()', charged_position)
        units = units - (charged_units or 0)
    end
    if kind == 3 then
        if held_units and held_units ~= '0' then
            reply = redis.pcall('HINCRBY', key, 'reserved', '-' .. held_units)
            if type(reply) == 'number' and reply < 0 then call('HSET', key, 'reserved', 0) end
        end
        if units ~= 0 and type(reply) ~= 'table' then
            reply = redis.pcall('HINCRBY', key, 'settled', units)
            -- Maybe new: it must not stay for ever.
            if reply == units then call('PEXPIREAT', key, limits[at + 2] + 86400000) end
        end
    elseif kind == 4 or kind == 1 and is_release then
        reply = redis.pcall('ZREM', key, id)
    elseif kind == 2 then
        local difference = units - (held_units or 0)
        if difference ~= 0 then
            -- Corrects the bucket of the admission, if it is still live.
            local bucket = math.floor(tonumber(ARGV[3]) * 60 / limits[at + 2])
            local fields = redis.pcall('HMGET', key, 'b', 't', bucket % 61)
            reply = fields
            if not fields.err and fields[1] then
                local newest, total, current = tonumber(fields[1]), tonumber(fields[2]), tonumber(fields[3] or '0')
                reply = newest and total and current
                if reply and bucket <= newest and newest - bucket < 61 then
                    -- After a step back of the clock the units stand in a newer bucket: never take more than is there.
                    difference = math.max(difference, -current, -total)
                    call('HSET', key, 't', total + difference, bucket % 61, current + difference)
                end
            elseif not fields.err then
                reply = nil
            end
        end
    end
    if reply == false or type(reply) == 'table' and reply.err then skipped = skipped + 1 end
end
