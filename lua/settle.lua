#!lua
--[[
Replace a reservation by the real usage, and append its event to the shard's stream: both or neither.

KEYS[1]  epoch         the shard is ready; absent: nothing is done, repeat later
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3]  usage         stream
KEYS[4…] counters      the same, in the same order, as at the admission
ARGV[1]  id            repeating it changes nothing
ARGV[2]  now_ms        0: the server's clock
ARGV[3]  admitted_ms   as the admission answered; when its answer was lost, when the id was made
ARGV[4]  event         one line of JSON; empty: none is appended, since the call's stands in another shard
ARGV[5]  limits        see lib/ending.lua
Returns  {1, epoch, stream_id, skipped}  settled; stream_id: where its event stands, '' without one; skipped: counters
                                         that could not be corrected
         {2, epoch, last_id}   it had been settled before; nothing changed. Its event stands at last_id or before
         {3, epoch, stream_id, skipped}  it had been settled for an orphan: the difference was charged and the event appended
         {4, epoch, stream_id}           neither held nor remembered, and old enough to have been forgotten: only the
                                         event was appended
         {-1}                            not ready, or a budget of it is lost: nothing changed, repeat later
Promise  Charged once. More than was held is charged too: it has been spent. A settlement before its reservation (whose
         answer was lost) is charged, and that reservation is refused from then on. O(limits).
]]
--#include lib/record.lua
--#include lib/arguments.lua
local epoch = call('GET', KEYS[1])
if not epoch then return {-1} end
local value = call('HGET', KEYS[2], id)
if value == 'settled' then
    local stream, last_id = redis.pcall('XINFO', 'STREAM', KEYS[3]), ''
    for i = 1, #stream - 1, 2 do
        if stream[i] == 'last-generated-id' then last_id = stream[i + 1] end
    end
    return {2, epoch, last_id}
end
local stream_id = ''
local held, charged, counted, is_release
if value then
    -- Nil when it was released before: it holds nothing. Of an orphan: what was charged then stands in its ending.
    held = string.match(value, '^%d+ %d+ ([%d,]*)\n')
    if not held then charged = string.match(value .. '\n', '^orphaned ([%d,]*)\n') end
    if string.find(value, '^counted') then
        counted = {}
        for units, key in string.gmatch(value, '\n(%d+) ([^\n]+)') do counted[key] = tonumber(units) end
    end
else
    --#include lib/clock.lua
    -- An ending is remembered for 15 minutes from the id's birth (expired.lua), less a minute for clocks that differ.
    if now - ARGV[3] > 840000 then
        if ARGV[4] ~= '' then stream_id = call('XADD', KEYS[3], '*', 'event', ARGV[4]) end
        return {4, epoch, stream_id}
    end
end
if ARGV[4] ~= '' then stream_id = call('XADD', KEYS[3], '*', 'event', ARGV[4]) end
--#include lib/budgets.lua
call('HSET', KEYS[2], id, 'settled')
--#include lib/ending.lua
return {(charged or counted) and 3 or 1, epoch, stream_id, skipped}
