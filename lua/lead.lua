#!lua
--[[
Lead, go on leading, or stop: by a lease that one holds at a time.

KEYS[1]  leader         string: "<name> <token> <since_s>"
KEYS[2]  fence          string: the highest token seen
ARGV[1]  token          of the caller
ARGV[2]  mine           the value that says it leads
ARGV[3]  lease_ms       0: stop leading
Returns  1 done, 0 somebody else leads; an error FENCED if a later leader has been seen
]]
local fence, token, mine, lease_ms = KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
if #KEYS ~= 2 or #ARGV ~= 3 or #mine > 300 or not lease_ms or lease_ms % 1 ~= 0 or lease_ms < 0 or lease_ms > 86400000 then
    return redis.error_reply('ARGUMENT lead')
end
--#include lib/fence.lua
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= mine then return 0 end
if lease_ms == 0 then
    if leader then redis.call('DEL', KEYS[1]) end
    return 1
end
redis.call('SET', KEYS[1], mine, 'PX', lease_ms)
seen()
return 1
