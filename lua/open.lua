#!lua
--[[
Make a shard ready, if nothing has come into its stream since the ledger was asked what its budgets hold.

KEYS[1]  epoch      string: "<run_id> <made_ms>", this server's run
KEYS[2]  usage      stream
KEYS[3]  fence      string: the highest token seen
KEYS[4]  reservations  hash, see lib/record.lua: from now on every budget is listed there
ARGV[1]  token      of whoever leads
ARGV[2]  last_id    of the stream when it was found empty; empty text: there was no stream
ARGV[3]  made_ms    unix time
ARGV[4]  opening    what was written into KEYS[4] under this name before the first budget was seeded: if it is gone, so may
                    they be
Returns  1 ready, 0 it was ready before, -1 there are events, or something was lost again: begin anew; an error FENCED
]]
local fence, token, last_id, opening = KEYS[3], ARGV[1], ARGV[2], ARGV[4]
if #KEYS ~= 4 or #ARGV ~= 4 or #last_id > 50 or not string.find(ARGV[3], '^%d+$') or #ARGV[3] > 15 then
    return redis.error_reply('ARGUMENT open')
end
--#include lib/fence.lua
--#include lib/run.lua
local epoch = redis.call('GET', KEYS[1])
if epoch and string.match(epoch, '^%w+') == run then return 0 end
local last = ''
if redis.call('EXISTS', KEYS[2]) == 1 then
    if redis.call('XLEN', KEYS[2]) > 0 then return -1 end
    local fields = redis.call('XINFO', 'STREAM', KEYS[2])
    for i = 1, #fields, 2 do
        if fields[i] == 'last-generated-id' then last = fields[i + 1] end
    end
end
if redis.call('HGET', KEYS[4], 'opening') ~= opening then return -1 end
if last == '0-0' then last = '' end
if last ~= last_id then return -1 end
redis.call('HDEL', KEYS[4], 'opening')
redis.call('HSET', KEYS[4], 'ready', run .. ' ' .. ARGV[3])
redis.call('SET', KEYS[1], run .. ' ' .. ARGV[3])
seen()
return 1
