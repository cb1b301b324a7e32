#!lua
--[[
Do one command that only the leader may do.

KEYS[1]  key        what it changes
KEYS[2]  fence      string: the highest token seen, in the key's slot
ARGV[1]  token      of whoever leads
ARGV[2]  command    its name; none: the token is only made known
ARGV[3…]            its arguments after the key
Returns  what the command answers; an error FENCED, and nothing changed, if a later leader has been seen
]]
local fence, token = KEYS[2], ARGV[1]
if #KEYS ~= 2 or #ARGV < 1 then return redis.error_reply('ARGUMENT fenced') end
--#include lib/fence.lua
-- The command first: if it fails, nothing was written.
local answer = #ARGV > 1 and redis.call(ARGV[2], KEYS[1], unpack(ARGV, 3)) or false
seen()
return answer
