#!lua
--[[
Make a shard's stream and consumer group if they are not there. From 0, never from `$`: what was written before the group
existed was paid for, too. Where there had been a group, somebody deleted it, maybe with events: then the shard is no longer
ready, nodes send again what the ledger may not have, and the counters are made anew.

KEYS[1]  epoch
KEYS[2]  usage      stream
KEYS[3]  committed  hash, see trim.lua
ARGV[1]  group      the consumer group
Returns  2 made again, and no longer ready; 1 made; 0 it is there: nothing changed
]]
if #KEYS ~= 3 or #ARGV ~= 1 then return redis.error_reply('ARGUMENT regroup') end
local had_group = redis.call('HEXISTS', KEYS[3], 'run') == 1
local made = redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0', 'MKSTREAM')
if made.err then
    if string.find(made.err, 'BUSYGROUP', 1, true) then return 0 end
    return made
end
if not had_group then return 1 end
redis.call('DEL', KEYS[1], KEYS[3])
return 2
