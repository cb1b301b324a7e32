#!lua
--[[
Raise a budget to what the ledger knows, while its shard is ready: for events that came to the ledger alone (resend.lua).

KEYS[1]  budget         hash: settled, reserved
ARGV[1]  settled_units  >= 0
ARGV[2]  expire_at_ms   unix time
Returns  1 raised, 0 it held as much or more already
Promise  repeating it changes nothing; never lowers a counter.
]]
local is_valid = #KEYS == 1 and #ARGV == 2
for i = 1, is_valid and 2 or 0 do is_valid = is_valid and #ARGV[i] <= 16 and string.find(ARGV[i], '^%d+$') end
if not is_valid then return redis.error_reply('ARGUMENT raise') end
local settled_units, expire_at_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
if settled_units > 9007199254740991 then return redis.error_reply('ARGUMENT raise') end
local stands = tonumber(redis.call('HGET', KEYS[1], 'settled') or '0')
if stands and stands >= settled_units then return 0 end
redis.call('HSET', KEYS[1], 'settled', string.format('%.0f', settled_units))
redis.call('PEXPIREAT', KEYS[1], expire_at_ms)
return 1
