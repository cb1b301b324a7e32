-- `run`: the id that this Redis server gave itself when it started; another one after every restart and on every replica.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
