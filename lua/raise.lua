#!lua
--[[
Raise a budget to what the ledger knows, while its shard is ready: for events that came to the ledger alone (resend.lua).

KEYS[1]  budget         hash: settled, reserved
KEYS[2]  reservations   hash, see lib/record.lua
ARGV[1]  settled_units  >= 0
ARGV[2]  expire_at_ms   unix time
Returns  1 raised, 0 it held as much or more already, -1 it is lost: it will be made anew by the ledger
Promise  repeating it changes nothing; never lowers a counter.
]]
local is_valid = #KEYS == 2 and #ARGV == 2
for i = 1, is_valid and 2 or 0 do is_valid = is_valid and #ARGV[i] <= 16 and string.find(ARGV[i], '^%d+$') end
if not is_valid then return redis.error_reply('ARGUMENT raise') end
local settled_units, expire_at_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
if settled_units > 9007199254740991 then return redis.error_reply('ARGUMENT raise') end
local fields = redis.call('HMGET', KEYS[1], 'settled', 'reserved')
local listed = redis.call('HMGET', KEYS[2], KEYS[1], 'ready')
if not fields[1] and not fields[2] and (listed[1] or not listed[2]) then
    redis.call('HSET', KEYS[2], 'lost', 1)
    return -1
end
local stands = tonumber(fields[1] or '0')
if stands and stands >= settled_units then return 0 end
redis.call('HSET', KEYS[1], 'settled', string.format('%.0f', settled_units))
redis.call('HSETNX', KEYS[1], 'reserved', 0)
redis.call('PEXPIREAT', KEYS[1], expire_at_ms)
redis.call('HSET', KEYS[2], KEYS[1], ARGV[2])
return 1
