#!lua
--[[
Note in a shard that is being made ready which calls the ledger has charged as orphans: the budgets are made of it, so a
settlement that comes after all is charged the difference alone. Such a call holds nothing (any more).

KEYS[1]  epoch         must be absent
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3]  fence         string: the highest token seen
ARGV[1]  token         of whoever leads
ARGV[2], ARGV[3], …    id, and what is remembered of it: `counted` (lib/record.lua); and so on
Returns  how many of them had not ended here, -1 the shard is ready: nothing changed; an error FENCED
Promise  repeating it changes nothing. O(ids).
]]
local fence, token, reservations, noted = KEYS[3], ARGV[1], KEYS[2], 0
if #KEYS ~= 3 or #ARGV % 2 ~= 1 then return redis.error_reply('ARGUMENT counted') end
for i = 2, #ARGV, 2 do
    if #ARGV[i] ~= 26 or not string.find(ARGV[i + 1], '^counted') then return redis.error_reply('ARGUMENT counted') end
end
--#include lib/fence.lua
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
for i = 2, #ARGV, 2 do
    local value = redis.call('HGET', reservations, ARGV[i])
    if not value or string.find(value, '^%d') then
        redis.call('HSET', reservations, ARGV[i], ARGV[i + 1])
        noted = noted + 1
    end
end
seen()
return noted
