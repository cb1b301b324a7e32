#!lua
--[[
Take back one entry of a limited set, unless somebody has changed it since.

KEYS[1]  limited set    zset: team → unix seconds until which it is limited
KEYS[2]  fence          string: the highest token seen
ARGV[1]  token          of whoever leads
ARGV[2]  team
ARGV[3]  expected_s     the score that the aggregator set
ARGV[4]  restore_s      a score to put back instead; 0: none
Returns  1 taken back, 0 something else stands there: nothing changed; an error FENCED
]]
local fence, token = KEYS[2], ARGV[1]
local team, expected_s, restore_s = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if #KEYS ~= 2 or not team or not expected_s or not restore_s then return redis.error_reply('ARGUMENT unlimit') end
--#include lib/fence.lua
local score = redis.call('ZSCORE', KEYS[1], team)
if not score or tonumber(score) ~= expected_s then return 0 end
if restore_s > 0 then
    redis.call('ZADD', KEYS[1], restore_s, team)
else
    redis.call('ZREM', KEYS[1], team)
end
seen()
return 1
