#!lua flags=no-writes
--[[
List reservations whose lease has run out, a bounded step of the shard's hash at a time.

KEYS[1]  reservations  hash, see lib/record.lua
ARGV[1]  cursor        0 to begin; then the one returned, until it is 0 again
ARGV[2]  count         about how many to look at
ARGV[3]  now_ms        0: the server's clock
Returns  {cursor, live, id, record, id, record, …}  cursor as text; live: how many were looked at and still live
]]
--#include lib/clock.lua
local now = now_from(ARGV[3])
local step = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local answer, live = {step[1], 0}, 0
for i = 1, #step[2], 2 do
    local lease_end = tonumber(string.match(step[2][i + 1], '^(%d+) '))
    if lease_end and lease_end > now then
        live = live + 1
    else
        answer[#answer + 1], answer[#answer + 2] = step[2][i], step[2][i + 1]
    end
end
answer[2] = live
return answer
