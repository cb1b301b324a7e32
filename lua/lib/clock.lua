-- Milliseconds since 1970: the server's own clock, read once, or a fixed time that a test passed in.
local function now_from(argument)
    if argument ~= '0' then return tonumber(argument) end
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
