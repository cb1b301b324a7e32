#!lua
--[[
Hold a reservation for another lease, and record what was observed of the call so far.

KEYS[1]  epoch
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3…] calls in flight: the counters of kind C that the reservation is in
ARGV[1]  id
ARGV[2]  now_ms        0: the server's clock
ARGV[3]  lease_ms
ARGV[4]  observed      one line of JSON: the usage event if the node died now
Returns  {1}   renewed
         {0}   lost: it has ended, or this Redis never saw it
         {-1}  not ready
]]
--#include lib/clock.lua
--#include lib/record.lua
local id, lease_ms = ARGV[1], ARGV[3]
if #ARGV ~= 4 or #KEYS < 2 or #KEYS > 18 or #id ~= 26 or string.find(id, '%W') or #lease_ms > 12
    or not string.find(lease_ms, '^[1-9]%d*$') then
    return redis.error_reply('ARGUMENT renew: id, lease_ms or observed')
end
lease_ms = tonumber(lease_ms)
if not redis.call('GET', KEYS[1]) then return {-1} end
local value = redis.call('HGET', KEYS[2], id)
local rest = string.match(value or '', '^%d+ (%d+ [%d,]*\n[^\n]*\n)')
if not rest then return {0} end
local lease_end = now + lease_ms
redis.call('HSET', KEYS[2], id, string.format('%.0f ', lease_end) .. rest .. ARGV[4])
for i = 3, #KEYS do
    -- Also when it was dropped as dead in between: the call lives, so it counts.
    -- A counter of a foreign type is left as it is, as at the end of the call.
    redis.pcall('ZADD', KEYS[i], lease_end, id)
    redis.pcall('PEXPIRE', KEYS[i], lease_ms + 60000)
end
return {1}
