#!lua
--[[
Hand on the event of a call that was settled, or may have been, before this shard was lost. Charges nothing: what the
ledger then knows is put into the counters, by seed.lua before the shard is ready, by raise.lua afterwards. The ledger
knows each event by its id, so one that it has already changes nothing.

KEYS[1]  epoch      absent while the shard is not ready: then, too, the event is appended
KEYS[2]  usage      stream
KEYS[3]  committed  hash: life   names the stream's life, from the first event that is sent again in it
                          late   the last such event: counters are raised once the ledger has it
ARGV[1]  life       a new name, in case there is none yet
ARGV[2]  event      one line of JSON
Returns  {life, stream_id, run}   life: the epoch, or while there is none the stream's life; run: of this server
Promise  repeating it is harmless. O(1).
]]
if #KEYS ~= 3 or #ARGV ~= 2 or ARGV[1] == '' or ARGV[2] == '' then return redis.error_reply('ARGUMENT resend') end
local call = redis.call
-- All three are looked at first: one that holds something else is an error before anything is written.
local epoch, life = call('GET', KEYS[1]), call('HGET', KEYS[3], 'life')
call('XLEN', KEYS[2])
if not life then
    life = ARGV[1]
    call('HSET', KEYS[3], 'life', life)
end
local stream_id = call('XADD', KEYS[2], '*', 'event', ARGV[2])
call('HSET', KEYS[3], 'late', stream_id)
call('PEXPIRE', KEYS[3], 2764800000)
--#include lib/mark.lua
return {epoch or life, stream_id, run}
