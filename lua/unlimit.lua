#!lua
--[[
Take back one entry of a limited set, unless somebody has changed it since.

KEYS[1]  limited set    zset: team → unix seconds until which it is limited
ARGV[1]  team
ARGV[2]  expected_s     the score that the aggregator set
ARGV[3]  restore_s      a score to put back instead; 0: none
Returns  1 taken back, 0 something else stands there: nothing changed
]]
local team, expected_s, restore_s = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not team or not expected_s or not restore_s then return redis.error_reply('ARGUMENT unlimit') end
local score = redis.call('ZSCORE', KEYS[1], team)
if not score or tonumber(score) ~= expected_s then return 0 end
if restore_s > 0 then
    redis.call('ZADD', KEYS[1], restore_s, team)
else
    redis.call('ZREM', KEYS[1], team)
end
return 1
