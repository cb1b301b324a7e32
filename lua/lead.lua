#!lua
--[[
Go on leading, or stop: only who leads may.

KEYS[1]  leader         string: "<name> <token>"
ARGV[1]  mine           the value that I set
ARGV[2]  lease_ms       0: stop leading
Returns  1 done, 0 somebody else leads, or nobody
]]
local mine, lease_ms = ARGV[1], tonumber(ARGV[2])
if not mine or not lease_ms then return redis.error_reply('ARGUMENT lead') end
if redis.call('GET', KEYS[1]) ~= mine then return 0 end
if lease_ms > 0 then
    redis.call('PEXPIRE', KEYS[1], lease_ms)
else
    redis.call('DEL', KEYS[1])
end
return 1
