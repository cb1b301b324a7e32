#!lua
--[[
Replace a reservation by the real usage, and append its event to the shard's stream: both or neither.

KEYS[1]  epoch         the shard is ready; absent: nothing is done, repeat later
KEYS[2]  reservations  hash, see lib/record.lua
KEYS[3]  ended         hash of the minute of the id's birth
KEYS[4]  usage         stream
KEYS[5…] counters      the same, in the same order, as at the admission
ARGV[1]  id            repeating it changes nothing
ARGV[2]  now_ms        0: the server's clock
ARGV[3]  birth_ms      when the id was made
ARGV[4]  event         one line of JSON
ARGV[5…] one per limit, see lib/ending.lua
Returns  {1, skipped}  settled; skipped: counters that could not be corrected
         {2}           it had been settled before; nothing changed
         {3, skipped}  it had been settled for an orphan: the difference was charged and the event appended
         {4}           neither held nor remembered, and older than what is remembered: only the event was appended
         {-1}          not ready
Promise  Charged once. More than was held is charged too: it has been spent. A settlement before its reservation (whose
         answer was lost) is charged, and that reservation is refused from then on. O(limits).
]]
--#include lib/clock.lua
--#include lib/counters.lua
--#include lib/record.lua
--#include lib/ending.lua
local id, birth, event = ARGV[1], tonumber(ARGV[3]), ARGV[4]
local kinds, units, spans = endings_read()
if not id_is_valid(id) or not birth or not event or not kinds then
    return redis.error_reply('ARGUMENT settle: id, birth_ms, event or a limit')
end
if not redis.call('GET', KEYS[1]) then return {-1} end
local ended = redis.call('HGET', KEYS[3], id)
if ended == 'settled' then return {2} end
local record = redis.call('HGET', KEYS[2], id)
local now, admitted, held, charged = nil, nil, {}, {}
if record then
    local _, at, held_text = record_read(record)
    admitted, held = at, numbers(held_text)
else
    now = now_from(ARGV[2])
    if not ended and now - birth > ENDED_MS - 60000 then
        redis.call('XADD', KEYS[4], '*', 'event', event)
        return {4}
    end
    -- Released before: it holds nothing. Orphaned: what was charged then is in its ending.
    if ended and string.find(ended, '^orphaned') then charged = numbers(ended) end
end
redis.call('XADD', KEYS[4], '*', 'event', event)
end_record(id, 'settled')
local skipped = settle_counters(id, now, admitted or birth, held, charged, kinds, units, spans, false)
return {charged[1] and 3 or 1, skipped}
