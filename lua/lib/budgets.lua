--[[
The first step of an ending, in which a budget that is lost (lib/record.lua) shows: each budget gives back what it holds,
or, where it holds nothing, is charged. One that was not there is then known by having no other field. If it had to be
there, all of this is taken back, and {-1} is the answer: repeat it once the leader has made the budget anew.

Expects what lib/arguments.lua sets, `held` and `charged` as lib/ending.lua, and `stream_id`, the event that was appended
('': none). Sets `holds`, the units held by limit; makes `limits` say what is still to be charged; and sets `begun`, the
replies by limit.
]]
local holds, begun, position, charged_position = {}, {}, 1, 1
for i = 1, count do
    local key, at, units = KEYS[3 + i], i * 3 - 2, nil
    if held then
        units, position = string.match(held, '(%d+)()', position or #held + 1)
        holds[i] = tonumber(units)
    end
    if charged then
        units, charged_position = string.match(charged, '(%d+)()', charged_position or #charged + 1)
        limits[at + 1] = limits[at + 1] - tonumber(units or 0)
    end
    if limits[at] == 3 then
        local field = 'reserved'
        units = -(holds[i] or 0)
        if units == 0 then field, units = 'settled', limits[at + 1] end
        local reply = units ~= 0 and redis.pcall('HINCRBY', key, field, units)
        if reply == units and call('HLEN', key) == 1 then
            call('DEL', key)
            local listed = call('HMGET', KEYS[2], key, 'ready')
            if listed[1] or not listed[2] then
                for j = 1, i - 1 do
                    if type(begun[j]) == 'number' then
                        if (holds[j] or 0) > 0 then call('HINCRBY', KEYS[3 + j], 'reserved', holds[j])
                        else call('HINCRBY', KEYS[3 + j], 'settled', -limits[j * 3 - 1]) end
                    end
                end
                if stream_id ~= '' then call('XDEL', KEYS[3], stream_id) end
                call('HSET', KEYS[2], 'lost', 1)
                return {-1}
            end
            -- The first that is known of it.
            local expire_at_ms = string.format('%.0f', limits[at + 2] + 86400000)
            reply = call('HINCRBY', key, field, units)
            call('HSETNX', key, 'reserved', 0)
            call('PEXPIREAT', key, expire_at_ms)
            call('HSET', KEYS[2], key, expire_at_ms)
        end
        begun[i] = reply
    end
end
