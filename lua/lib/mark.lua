--[[
For the hash `committed`, KEYS[3], in which the aggregator says how far the ledger has a shard's stream. Sets `run`: which
start of redis-server this is, since one that comes back with an older state has the same epoch and has lost events.
The hash outlives the longest period by a day; without it nodes keep and repeat what they cannot know to be in the ledger.
]]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
redis.call('PEXPIRE', KEYS[3], 2764800000)
