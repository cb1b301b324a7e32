-- Refuses a leader that was succeeded: `token` is its fencing token as text, `fence` the key that keeps the highest one
-- seen in this slot. To be included before anything is read for a decision or written; `seen()` makes the token known.
if not string.find(token or '', '^[1-9]%d*$') or #token > 15 then return redis.error_reply('ARGUMENT: token') end
local highest = redis.call('GET', fence)
if highest and tonumber(token) < (tonumber(highest) or 0) then
    return redis.error_reply('FENCED ' .. fence .. ' has seen a later leader')
end
-- A day: longer than any command can be on its way.
local function seen() redis.call('SET', fence, token, 'PX', 86400000) end
