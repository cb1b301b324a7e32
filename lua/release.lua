#!lua
--[[
Give a reservation back unspent: the call never reached a provider.

KEYS, ARGV as for settle; ARGV[4] (event) is not used, and the units of each limit are 0
Returns  {1, skipped}  released; skipped: counters that could not be corrected
         {2}           it had ended before, or was never held; nothing changed, and it cannot be admitted any more
         {-1}          not ready
]]
--#include lib/record.lua
local id, limits_at, is_release, charged = ARGV[1], 4, true, ''
--#include lib/arguments.lua
if not redis.call('GET', KEYS[1]) then return {-1} end
local value = redis.call('HGET', KEYS[2], id)
-- Never held: its admission may still be under way, and must not hold anything when it arrives.
if not value then redis.call('HSET', KEYS[2], id, 'released') end
local admitted, held = string.match(value or '', '^%d+ (%d+) ([%d,]*)\n')
if not held then return {2} end
redis.call('HSET', KEYS[2], id, 'released')
--#include lib/ending.lua
return {1, skipped}
