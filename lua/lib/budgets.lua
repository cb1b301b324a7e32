--[[
The budgets' part of an ending, before all other counters, since here a budget that is lost (lib/record.lua) shows: it was
not there, so after the first change it has no other field. If it had to be there, what was done is taken back, and {-1} is
the answer: repeat it once the leader has made the budget anew.

Expects what lib/ending.lua does, `stream_id`, the event that was appended ('': none), and `counted`: the units that a
budget was made of already, by its key (nil: none). Sets `holds`, the units held by limit, and `skipped` (see there); takes
what was charged already off the units of `limits`.
]]
local holds, skipped, position, charged_position = {}, 0, 1, 1
for i = 1, count do
    local key, at, units_held = KEYS[3 + i], i * 3 - 2, 0
    if held then
        units_held, position = string.match(held, '(%d+)()', position or #held + 1)
        units_held = tonumber(units_held or 0)
        holds[i] = units_held
    end
    if charged then
        local before
        before, charged_position = string.match(charged, '(%d+)()', charged_position or #charged + 1)
        limits[at + 1] = limits[at + 1] - tonumber(before or 0)
    end
    if counted and limits[at] == 3 then limits[at + 1] = limits[at + 1] - (counted[key] or 0) end
    if limits[at] == 3 then
        local units, field, change = limits[at + 1], 'reserved', -units_held
        if units_held == 0 then field, change = 'settled', units end
        local reply = change ~= 0 and redis.pcall('HINCRBY', key, field, change)
        if reply == change and call('HLEN', key) == 1 then
            call('DEL', key)
            local listed = call('HMGET', KEYS[2], key, 'ready')
            if listed[1] or not listed[2] then
                for j = 1, i - 1 do
                    if limits[j * 3 - 2] == 3 then
                        if (holds[j] or 0) > 0 then redis.pcall('HINCRBY', KEYS[3 + j], 'reserved', holds[j]) end
                        if limits[j * 3 - 1] ~= 0 then
                            redis.pcall('HINCRBY', KEYS[3 + j], 'settled', -limits[j * 3 - 1])
                        end
                    end
                end
                if stream_id ~= '' then call('XDEL', KEYS[3], stream_id) end
                call('HSET', KEYS[2], 'lost', 1)
                return {-1}
            end
            -- The first that is known of it.
            local expire_at_ms = string.format('%.0f', limits[at + 2] + 86400000)
            reply = call('HINCRBY', key, field, change)
            call('HSETNX', key, 'reserved', 0)
            call('PEXPIREAT', key, expire_at_ms)
            call('HSET', KEYS[2], key, expire_at_ms)
        end
        if type(reply) == 'number' then
            if reply < 0 then call('HSET', key, field, 0) end
            if units_held > 0 and units ~= 0 then
                reply = redis.pcall('HINCRBY', key, 'settled', units)
                if type(reply) == 'number' and reply < 0 then call('HSET', key, 'settled', 0) end
            end
        end
        if type(reply) == 'table' then skipped = skipped + 1 end
    end
end
