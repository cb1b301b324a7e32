-- `now`: milliseconds since 1970 by the server's own clock, read once; or a fixed time that a test passed in ARGV[2].
if not string.find(ARGV[2] or '', '^%d+$') or #ARGV[2] > 15 then return redis.error_reply('ARGUMENT: now_ms') end
local now = tonumber(ARGV[2])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
