#!lua flags=allow-oom
--[[
Remove from a shard's stream what the ledger has, exactly that, and say how far that is: the nodes then forget it, too.

While something is pending, all below the oldest pending entry is acknowledged (what was never delivered is newer than
anything pending); else all up to the last that was delivered. Only what is in the ledger is acknowledged. Works in a
Redis that is full (allow-oom): this is what empties it.

KEYS[1]  epoch
KEYS[2]  usage      stream
KEYS[3]  committed  hash: run    the start of redis-server (INFO's run_id) that says so
                          epoch  the shard's; empty while it is not ready
                          below  every event with a lower id is in the ledger
ARGV[1]  group      the consumer group
Returns  below, or nil: there is no such group
]]
local group = ARGV[1]
if #KEYS ~= 3 or #ARGV ~= 1 then return redis.error_reply('ARGUMENT trim') end
local pending = redis.pcall('XPENDING', KEYS[2], group)
if pending.err then return pending end
local below = pending[2]
if not below then
    for _, fields in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
        local info = {}
        for i = 1, #fields - 1, 2 do info[fields[i]] = fields[i + 1] end
        if info['name'] == group then below = info['last-delivered-id'] end
    end
    -- The next id. Beyond what a Lua number counts exactly, the last entry waits for the next step.
    local ms, sequence = string.match(below or '', '^(%d+)%-(%d+)$')
    if sequence and #sequence <= 15 then below = string.format('%s-%.0f', ms, sequence + 1) end
end
if not below then return false end
-- Both are looked at first: one that holds something else is an error before anything is written.
local epoch = redis.call('GET', KEYS[1]) or ''
redis.call('HLEN', KEYS[3])
redis.call('XTRIM', KEYS[2], 'MINID', '=', below)
--#include lib/mark.lua
redis.call('HSET', KEYS[3], 'run', run, 'epoch', epoch, 'below', below)
redis.call('PEXPIRE', KEYS[3], 2764800000)
return below
