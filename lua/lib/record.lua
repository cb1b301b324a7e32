--[[
A live reservation, as kept in the shard's `reservations` hash under its id. Three lines of text:

  <lease_end_ms> <admitted_ms> <held,held,...>     in the order of the limits
  <call>       JSON made by the node: the keys and kinds of its counters, and the usage event if the node died now
  <observed>   the usage event as observed at the last renewal; empty before

How a reservation ended stands in the hash `ended` of the minute of its birth: `settled`, `released` or
`orphaned <units,...>`.
]]
local function record_text(lease_end, admitted, held, call, observed)
    return string.format('%.0f %.0f %s\n', lease_end, admitted, held) .. call .. '\n' .. observed
end

-- lease_end_ms, admitted_ms, held, call, observed; the first two as numbers
local function record_read(record)
    local lease_end, admitted, held, call, observed = string.match(record, '^(%d+) (%d+) ([%d,]*)\n([^\n]*)\n(.*)$')
    if not lease_end then error({err = 'CORRUPT ' .. KEYS[2] .. ' holds what weir did not write'}) end
    return tonumber(lease_end), tonumber(admitted), held, call, observed
end

local function id_is_valid(id)
    return id and #id == 26 and not string.find(id, '%W')
end
