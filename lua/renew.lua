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
--#include lib/counters.lua
--#include lib/record.lua
local id, lease_ms, observed = ARGV[1], tonumber(ARGV[3]), ARGV[4]
if not id_is_valid(id) or not lease_ms or not observed then
    return redis.error_reply('ARGUMENT renew: id, lease_ms or observed')
end
if not redis.call('GET', KEYS[1]) then return {-1} end
local record = redis.call('HGET', KEYS[2], id)
if not record then return {0} end
local _, admitted, held, call = record_read(record)
local lease_end = now_from(ARGV[2]) + lease_ms
redis.call('HSET', KEYS[2], id, record_text(lease_end, admitted, held, call, observed))
for i = 3, #KEYS do
    -- XX: what the reaper took away stays away.
    redis.call('ZADD', KEYS[i], 'XX', lease_end, id)
    redis.call('PEXPIREAT', KEYS[i], lease_end + 60000)
end
return {1}
