#!lua
--[[
Settle a reservation whose lease has run out at what was last observed of it. Its node is dead or cannot reach Redis.

KEYS, ARGV as for settle; ARGV[4] is the event as last observed, with the outcome `orphaned`, or empty
Returns  {1, skipped}  settled as an orphan; a settlement that arrives later charges the difference
         {2}           it had ended before
         {5}           it lives: its lease was renewed
         {-1}          not ready, or a budget of it is lost: nothing changed, repeat later
]]
--#include lib/clock.lua
--#include lib/record.lua
--#include lib/arguments.lua
if not call('GET', KEYS[1]) then return {-1} end
local value, charged, counted, is_release = call('HGET', KEYS[2], id), nil, nil, false
local lease_end, held = string.match(value or '', '^(%d+) %d+ ([%d,]*)\n')
if not held then return {2} end
if tonumber(lease_end) > now then return {5} end
local ending = {}
for i = 1, count do ending[i] = string.format('%.0f', limits[i * 3 - 1]) end
local stream_id = ARGV[4] ~= '' and call('XADD', KEYS[3], '*', 'event', ARGV[4]) or ''
--#include lib/budgets.lua
-- With its record, from which a settlement by another node learns what to correct; the event's part alone is looked up.
call('HSET', KEYS[2], id, 'orphaned ' .. table.concat(ending, ',') .. (ARGV[4] ~= '' and '\n' .. value or ''))
--#include lib/ending.lua
return {1, skipped}
