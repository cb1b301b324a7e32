#!lua
--[[
Put what the ledger knows into a budget, while its shard is not ready and nothing is admitted.

KEYS[1]  epoch          must be absent
KEYS[2]  budget         hash: settled, reserved
KEYS[3]  fence          string: the highest token seen
KEYS[4]  reservations   hash, see lib/record.lua: there it is listed
ARGV[1]  settled_units  >= 0
ARGV[2]  expire_at_ms   unix time
ARGV[3]  token          of whoever leads
Returns  {1, reserved} raised, {0, reserved} it held as much or more already; reserved: what it holds for calls that live,
         -1 no number; {-1} the shard is ready: nothing changed; an error FENCED
Promise  repeating it changes nothing; never lowers a counter.
]]
local is_valid = #KEYS == 4 and #ARGV == 3
for i = 1, is_valid and 2 or 0 do is_valid = is_valid and #ARGV[i] <= 16 and string.find(ARGV[i], '^%d+$') end
if not is_valid then return redis.error_reply('ARGUMENT seed') end
local settled_units, expire_at_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
if settled_units > 9007199254740991 then return redis.error_reply('ARGUMENT seed') end
local fence, token = KEYS[3], ARGV[3]
--#include lib/fence.lua
if redis.call('EXISTS', KEYS[1]) == 1 then return {-1} end
local fields = redis.call('HMGET', KEYS[2], 'settled', 'reserved')
local stands, reserved = tonumber(fields[1] or '0'), tonumber(fields[2] or '0') or -1
redis.call('HSET', KEYS[4], KEYS[2], ARGV[2])
if stands and stands >= settled_units then return {0, reserved} end
redis.call('HSET', KEYS[2], 'settled', string.format('%.0f', settled_units))
redis.call('HSETNX', KEYS[2], 'reserved', 0)
redis.call('PEXPIREAT', KEYS[2], expire_at_ms)
seen()
return {1, reserved}
