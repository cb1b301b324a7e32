#!lua
--[[
Make a budget anew that is lost (lib/record.lua); or put right what a budget holds for calls that live, while its shard
is not ready.

KEYS[1]  epoch
KEYS[2]  budget          hash: settled, reserved
KEYS[3]  fence           string: the highest token seen
KEYS[4]  reservations    hash, see lib/record.lua
ARGV[1]  reserved_before what it was seen to hold for calls that live; empty: it was not there
ARGV[2]  reserved_units  what the live reservations that were read afterwards hold of it
ARGV[3]  settled_units   by the ledger, for one that was not there
ARGV[4]  expire_at_ms    unix time, for the same
ARGV[5]  token           of whoever leads
Returns  1 done; 0 it is not as it was seen (any more): nothing changed, look again; an error FENCED
Promise  repeating it changes nothing.
]]
local is_valid = #KEYS == 4 and #ARGV == 5 and (ARGV[1] == '' or #ARGV[1] <= 16 and string.find(ARGV[1], '^%d+$'))
for i = 2, is_valid and 4 or 0 do is_valid = is_valid and #ARGV[i] <= 16 and string.find(ARGV[i], '^%d+$') end
if not is_valid then return redis.error_reply('ARGUMENT restore') end
local fence, token = KEYS[3], ARGV[5]
--#include lib/fence.lua
if ARGV[1] == '' then
    if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
    -- The list first: if it is none, nothing has been written.
    redis.call('HSET', KEYS[4], KEYS[2], ARGV[4])
    redis.call('HSET', KEYS[2], 'settled', ARGV[3], 'reserved', ARGV[2])
    redis.call('PEXPIREAT', KEYS[2], ARGV[4])
else
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    if (redis.call('HGET', KEYS[2], 'reserved') or '0') ~= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[2], 'reserved', ARGV[2])
end
seen()
return 1
