#!lua
--[[
Give a reservation back unspent: the call never reached a provider.

KEYS, ARGV as for settle; ARGV[4] (event) is not used, and the units of each limit are 0
Returns  {1, skipped}  released; skipped: counters that could not be corrected
         {2}           it had ended before, or was never held; nothing changed, and it cannot be admitted any more
         {-1}          not ready
]]
--#include lib/clock.lua
--#include lib/counters.lua
--#include lib/record.lua
--#include lib/ending.lua
local id = ARGV[1]
local kinds, units, spans = endings_read()
if not id_is_valid(id) or not kinds then return redis.error_reply('ARGUMENT release: id or a limit') end
if not redis.call('GET', KEYS[1]) then return {-1} end
if redis.call('HGET', KEYS[3], id) then return {2} end
local record = redis.call('HGET', KEYS[2], id)
if not record then
    -- Its admission may still be under way: it must not hold anything when it arrives.
    end_record(id, 'released')
    return {2}
end
local _, admitted, held = record_read(record)
end_record(id, 'released')
return {1, settle_counters(id, admitted, admitted, numbers(held), {}, kinds, units, spans, true)}
