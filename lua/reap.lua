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
--#include lib/record.lua
local id, event, limits_at, is_release, charged = ARGV[1], ARGV[4], 4, false, ''
--#include lib/arguments.lua
if not redis.call('GET', KEYS[1]) then return {-1} end
local value = redis.call('HGET', KEYS[2], id)
local lease_end, admitted, held = string.match(value or '', '^(%d+) (%d+) ([%d,]*)\n')
if not held then return {2} end
if tonumber(lease_end) > now then return {5} end
local ending = 'orphaned '
for i = 1, #KEYS - 3 do
    ending = ending .. (i > 1 and ',' or '') .. string.match(ARGV[limits_at + i], '^. (%d+)')
end
redis.call('XADD', KEYS[3], '*', 'event', event)
redis.call('HSET', KEYS[2], id, ending)
--#include lib/ending.lua
return {1, skipped}
