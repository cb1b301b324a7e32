#!lua
--[[
Make a shard not ready whose epoch was made for another run of Redis: what stands here is of an old snapshot, or was
copied from a server that may have known more.

KEYS[1]  epoch      string: "<run_id> <made_ms>"
KEYS[2]  fence      string: the highest token seen
ARGV[1]  token      of whoever leads
Returns  1 closed, 0 it is ready for this run, or was not ready; an error FENCED
]]
local fence, token = KEYS[2], ARGV[1]
if #KEYS ~= 2 or #ARGV ~= 1 then return redis.error_reply('ARGUMENT close') end
--#include lib/fence.lua
--#include lib/run.lua
local epoch = redis.call('GET', KEYS[1])
if not epoch or string.match(epoch, '^%w+') == run then return 0 end
redis.call('DEL', KEYS[1])
seen()
return 1
