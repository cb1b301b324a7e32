#!lua
--[[
Replace a reservation by the real usage, and append its event to the shard's stream: both or neither.

KEYS[1]  epoch         the shard is ready; absent: nothing is done, repeat later
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3]  usage         stream
KEYS[4…] counters      the same, in the same order, as at the admission
ARGV[1]  id            repeating it changes nothing
ARGV[2]  now_ms        0: the server's clock
ARGV[3]  birth_ms      when the id was made
ARGV[4]  event         one line of JSON
ARGV[5…] one per limit, see lib/ending.lua
Returns  {1, skipped}  settled; skipped: counters that could not be corrected
         {2}           it had been settled before; nothing changed
         {3, skipped}  it had been settled for an orphan: the difference was charged and the event appended
         {4}           neither held nor remembered, and old enough to have been forgotten: only the event was appended
         {-1}          not ready
Promise  Charged once. More than was held is charged too: it has been spent. A settlement before its reservation (whose
         answer was lost) is charged, and that reservation is refused from then on. O(limits).
]]
--#include lib/record.lua
local id, event, limits_at, is_release = ARGV[1], ARGV[4], 4, false
--#include lib/arguments.lua
if not redis.call('GET', KEYS[1]) then return {-1} end
local value = redis.call('HGET', KEYS[2], id)
if value == 'settled' then return {2} end
local admitted, held, charged, was_orphan = nil, nil, '', false
if value then admitted, held = string.match(value, '^%d+ (%d+) ([%d,]*)\n') end
if not held then
    held, admitted = '', tonumber(ARGV[3])
    if value then
        -- Released before: it holds nothing. Orphaned: what was charged then stands in its ending.
        charged = string.match(value, '^orphaned ([%d,]*)$')
        was_orphan, charged = charged ~= nil, charged or ''
    else
        --#include lib/clock.lua
        -- An ending is remembered for 15 minutes from the id's birth (expired.lua), less a minute for clocks that differ.
        if now - admitted > 840000 then
            redis.call('XADD', KEYS[3], '*', 'event', event)
            return {4}
        end
    end
end
redis.call('XADD', KEYS[3], '*', 'event', event)
redis.call('HSET', KEYS[2], id, 'settled')
--#include lib/ending.lua
return {was_orphan and 3 or 1, skipped}
