#!lua
--[[
Give a reservation back unspent: the call never reached a provider.

KEYS, ARGV as for settle; ARGV[4] (event) is not used, and the units of each limit are 0
Returns  {1, skipped}  released; skipped: counters that could not be corrected
         {2}           it had ended before, or was never held; nothing changed, and it cannot be admitted any more
         {-1}          not ready
]]
--#include lib/record.lua
--#include lib/arguments.lua
if not call('GET', KEYS[1]) then return {-1} end
local value, charged, is_release = call('HGET', KEYS[2], id), nil, true
-- Never held: its admission may still be under way, and must not hold anything when it arrives.
if not value then call('HSET', KEYS[2], id, 'released') end
local held = string.match(value or '', '^%d+ %d+ ([%d,]*)\n')
if not held then return {2} end
call('HSET', KEYS[2], id, 'released')
--#include lib/ending.lua
return {1, skipped}
