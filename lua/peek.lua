#!lua flags=no-writes
--[[
Read counters without changing anything.

KEYS[1]  epoch
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3…] counters, see lib/counters.lua
ARGV[1]  not used
ARGV[2]  now_ms    0: the server's clock
ARGV[3…] one per counter: "<kind> <span>" as for admit
Returns  {1, now_ms, used, reserved, used, reserved, …}  or  {-1, now_ms}: not ready
         or  {-3, now_ms, index}: counter number index is a budget that is lost (lib/record.lua)
]]
--#include lib/clock.lua
--#include lib/counters.lua
if not redis.call('GET', KEYS[1]) then return {-1, now} end
local answer = {1, now}
for i = 3, #KEYS do
    local key = KEYS[i]
    local kind, span = string.match(ARGV[i] or '', '^([LRBC]) (%d+)$')
    if not kind then return redis.error_reply('ARGUMENT peek: counter ' .. (i - 2)) end
    span = tonumber(span)
    local used, reserved = nil, 0
    if kind == 'B' then
        local fields = redis.call('HMGET', key, 'settled', 'reserved')
        used, reserved = stored(fields[1], key), stored(fields[2], key)
        if not fields[1] and not fields[2] then
            local listed = redis.call('HMGET', KEYS[2], key, 'ready')
            if listed[1] or not listed[2] then return {-3, now, i - 2} end
        end
    elseif kind == 'C' then used = redis.call('ZCOUNT', key, string.format('(%.0f', now), '+inf')
    elseif kind == 'R' then used = ring_read(key, now, span) or log_read(key, now, span)
    else used = log_read(key, now, span) or ring_read(key, now, span) end
    if not used then return redis.error_reply('CORRUPT ' .. key .. ' is no window') end
    answer[#answer + 1], answer[#answer + 2] = used, reserved
end
return answer
