#!lua
--[[
Say that the counters have been raised for the events that were sent again, unless another one came meanwhile.

KEYS[1]  committed  hash, see trim.lua and resend.lua
ARGV[1]  late       the last one as it was read before
Returns  1 said, 0 another one has come
]]
if redis.call('HGET', KEYS[1], 'late') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'late')
return 1
