#!lua
--[[
List reservations whose lease has run out, and forget endings that are old enough: a bounded step through the shard.

KEYS[1]  reservations  hash, see lib/record.lua
ARGV[1]  cursor        0 to begin; then the one returned, until it is 0 again
ARGV[2]  now_ms        0: the server's clock
ARGV[3]  count         about how many to look at, at most 1000
ARGV[4]  forget_before ids born before this one (the first ten characters of a ULID) are forgotten once they have ended
Returns  {cursor, live, id, record, id, record, …}   cursor as text; live: how many were looked at and still live
]]
--#include lib/clock.lua
if #ARGV ~= 4 or not string.find(ARGV[3], '^[1-9]%d*$') or #ARGV[4] ~= 10 then
    return redis.error_reply('ARGUMENT expired: count or forget_before')
end
local step = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', math.min(tonumber(ARGV[3]), 1000))
local answer, live = {step[1], 0}, 0
for i = 1, #step[2], 2 do
    local id, value = step[2][i], step[2][i + 1]
    local lease_end = tonumber(string.match(value, '^(%d+) '))
    if not lease_end and string.sub(id, 1, 5) == 'weir:' then
        -- A budget that has expired need not be there any more.
        if (tonumber(value) or now) <= now then redis.call('HDEL', KEYS[1], id) end
    elseif not lease_end then
        if string.sub(id, 1, 10) < ARGV[4] then redis.call('HDEL', KEYS[1], id) end
    elseif lease_end > now then
        live = live + 1
    else
        answer[#answer + 1], answer[#answer + 2] = id, value
    end
end
answer[2] = live
return answer
