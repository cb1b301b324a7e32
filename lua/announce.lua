#!lua
--[[
Hold again what a call that lives held in a Redis that has forgotten it: also while the shard is not ready, and over an
amount if it must be, since it was admitted.

KEYS[1]  epoch
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3…] counters, one per limit, in the order of the admission, at most 16
ARGV[1]  id
ARGV[2]  now_ms        0: the server's clock
ARGV[3]  lease_ms      from now
ARGV[4]  record        without its first word, the lease's end
ARGV[5]  limits        four doubles each: kind (0: holds nothing), units held, span as for admit, amount (0: unlimited)
Returns  {1, over}     held again; over: budgets that hold more than their amount now
         {0}           it is known here, alive or ended, or so old that its end may have been forgotten: nothing changed
         {-1}          the shard is ready, and a budget of it is lost (lib/record.lua): nothing changed, repeat later
Promise  Repeating it changes nothing. Rings are not restored, logs only by the call itself. O(limits).
]]
--#include lib/clock.lua
local call, id, lease_ms, count = redis.call, ARGV[1], ARGV[3], #KEYS - 2
if #ARGV ~= 5 or count < 0 or count > 16 or #id ~= 26 or string.find(id, '%W') or #ARGV[5] ~= count * 32
    or #lease_ms > 12 or not string.find(lease_ms, '^[1-9]%d*$')
    or not string.find(ARGV[4], '^%d+ [%d,]*\n[^\n]*\n[^\n]*$') then
    return redis.error_reply('ARGUMENT announce: id, lease_ms, record or the number of limits')
end
local limits = {struct.unpack('>' .. string.rep('dddd', count), ARGV[5])}
for i = 1, count * 4 do
    if not (limits[i] >= 0 and limits[i] <= 9007199254740991) or limits[i] % 1 ~= 0 then
        return redis.error_reply('ARGUMENT announce: number ' .. i .. ' of the limits')
    end
end
for i = 1, count * 4, 4 do
    if limits[i] > 4 or limits[i + 2] == 0 and limits[i] > 0 and limits[i] < 4 then
        return redis.error_reply('ARGUMENT announce: kind or span of a limit')
    end
end
if call('HEXISTS', KEYS[2], id) == 1 then return {0} end
local at = tonumber(string.match(ARGV[4], '^%d+'))
-- An ending is remembered for 15 minutes (expired.lua); in a shard that lost everything there is none to be forgotten.
local is_ready = call('GET', KEYS[1])
if now - at > 840000 and is_ready then return {0} end
for i = 1, is_ready and count or 0 do
    if limits[i * 4 - 3] == 3 and limits[i * 4 - 2] > 0 and call('EXISTS', KEYS[2 + i]) == 0 then
        local listed = call('HMGET', KEYS[2], KEYS[2 + i], 'ready')
        if listed[1] or not listed[2] then
            call('HSET', KEYS[2], 'lost', 1)
            return {-1}
        end
    end
end
local lease_end, over = now + tonumber(lease_ms), 0
call('HSET', KEYS[2], id, string.format('%.0f ', lease_end) .. ARGV[4])
for i = 1, count do
    local key, kind, held, span, amount = KEYS[2 + i], unpack(limits, i * 4 - 3, i * 4)
    -- A counter of a foreign type is left as it is, as at the end of the call.
    if kind == 3 and held > 0 then
        local reserved = redis.pcall('HINCRBY', key, 'reserved', held)
        if type(reserved) == 'number' then
            call('PEXPIREAT', key, span + 86400000)
            call('HSET', KEYS[2], key, string.format('%.0f', span + 86400000))
            local settled = tonumber(call('HGET', key, 'settled') or '0')
            if amount > 0 and settled and settled + reserved > amount then over = over + 1 end
        end
    elseif kind == 4 then
        if type(redis.pcall('ZADD', key, lease_end, id)) == 'number' then call('PEXPIRE', key, tonumber(lease_ms) + 60000) end
    elseif kind == 1 and at > now - span then
        if type(redis.pcall('ZADD', key, at, id)) == 'number' then call('PEXPIRE', key, span + 1000) end
    end
end
return {1, over}
