#!lua flags=no-writes
--[[
Whether a shard's epoch was made for this run of the server that answers.

KEYS[1]  epoch      string: "<run_id> <made_ms>"
Returns  1 it was, 0 there is none, -1 it was made for another run: nothing here may be believed
]]
--#include lib/run.lua
local epoch = redis.call('GET', KEYS[1])
if not epoch then return 0 end
return string.match(epoch, '^%w+') == run and 1 or -1
