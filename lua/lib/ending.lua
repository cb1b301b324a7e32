--[[
The end of a reservation: what its counters hold is replaced by what was used, in budgets by lib/budgets.lua, in all others
here. Expects what lib/arguments.lua sets, `held` and `charged` (texts "units,units,..." in the order of the limits;
charged: what an orphan has been charged already; nil: nothing) and `is_release`; says in `skipped` the number of counters
that could not be corrected: one of a foreign type or with a corrupt field is left as it is, for the event is in the stream
and the ledger has the truth.

Each limit's three doubles: kind and span as for admit (span 0 for C), and between them the units really used, 0 for a
release.
]]
for i = 1, count do
    local key, at, reply = KEYS[3 + i], i * 3 - 2, nil
    local kind, units = limits[at], limits[at + 1]
    if kind == 1 and is_release then
        reply = redis.pcall('ZREM', key, id)
        -- No log: its request may stand in a ring, as an earlier policy had it.
        if type(reply) == 'table' then kind = 2 end
    end
    if kind == 4 then
        reply = redis.pcall('ZREM', key, id)
    elseif kind == 2 then
        local difference = units - (holds[i] or 0)
        if difference ~= 0 then
            -- Corrects the bucket of the admission, if it is still live.
            local bucket = math.floor(ARGV[3] * 60 / limits[at + 2])
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
                    call('HSET', key, 't', total + difference, bucket % 61, current + difference)
                end
            end
        end
    end
    if reply == false or type(reply) == 'table' and reply.err then skipped = skipped + 1 end
end
