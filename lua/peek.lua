#!lua flags=no-writes
--[[
Read counters without changing anything.

KEYS[1]  epoch
KEYS[2…] counters, see lib/counters.lua
ARGV[1]  now_ms    0: the server's clock
ARGV[2…] one per counter: "<kind> <span>" as for admit
Returns  {1, now_ms, used, reserved, used, reserved, …}  or  {-1, now_ms}: not ready
]]
--#include lib/clock.lua
--#include lib/counters.lua
local now = now_from(ARGV[1])
if not redis.call('GET', KEYS[1]) then return {-1, now} end
local answer = {1, now}
for i = 2, #KEYS do
    local kind, span = string.match(ARGV[i] or '', '^([LRBC]) (%d+)$')
    if not kind then return redis.error_reply('ARGUMENT peek: counter ' .. (i - 1)) end
    span = tonumber(span)
    local used, reserved = nil, 0
    if kind == 'B' then used, reserved = budget_read(KEYS[i])
    elseif kind == 'C' then used = flight_used(KEYS[i], now)
    elseif kind == 'R' then used = ring_read(KEYS[i], now, span) or log_read(KEYS[i], now, span)
    else used = log_read(KEYS[i], now, span) or ring_read(KEYS[i], now, span) end
    if not used then return redis.error_reply('CORRUPT ' .. KEYS[i] .. ' is no window') end
    answer[#answer + 1], answer[#answer + 2] = used, reserved
end
return answer
