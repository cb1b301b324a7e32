#!lua
--[[
Settle a reservation whose lease has run out at what was last observed of it. Its node is dead or cannot reach Redis.

KEYS, ARGV as for settle; ARGV[4] is the event as last observed, with the outcome `orphaned`
Returns  {1, skipped}  settled as an orphan; a settlement that arrives later charges the difference
         {2}           it had ended before
         {5}           it lives: its lease was renewed
         {-1}          not ready
]]
--#include lib/clock.lua
--#include lib/counters.lua
--#include lib/record.lua
--#include lib/ending.lua
local id, event = ARGV[1], ARGV[4]
local kinds, units, spans = endings_read()
if not id_is_valid(id) or not event or not kinds then
    return redis.error_reply('ARGUMENT reap: id, event or a limit')
end
if not redis.call('GET', KEYS[1]) then return {-1} end
if redis.call('HGET', KEYS[3], id) then return {2} end
local record = redis.call('HGET', KEYS[2], id)
if not record then return {2} end
local now = now_from(ARGV[2])
local lease_end, admitted, held = record_read(record)
if lease_end > now then return {5} end
redis.call('XADD', KEYS[4], '*', 'event', event)
local charged = {}
for i = 1, #units do charged[i] = string.format('%.0f', units[i]) end
end_record(id, 'orphaned ' .. table.concat(charged, ','))
return {1, settle_counters(id, now, admitted, numbers(held), {}, kinds, units, spans, false)}
