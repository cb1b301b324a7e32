--[[
For the hash `committed`, KEYS[3], in which the aggregator says how far the ledger has a shard's stream. Sets `run`: which
start of redis-server this is, since one that comes back with an older state has the same epoch and has lost events.
The hash lives 32 days, longer than any period; without it nodes keep and repeat what they cannot know to be in the ledger.
]]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
