-- Checks the arguments of settle, release and reap before anything is written, and unpacks `limits`: three doubles each.
local call, id, count = redis.call, ARGV[1], #KEYS - 3
local is_valid = count >= 0 and count <= 16 and #ARGV == 5 and #id == 26 and #ARGV[5] == count * 24
    and #ARGV[2] <= 15 and string.find(ARGV[2], '^%d+$') and #ARGV[3] <= 15 and string.find(ARGV[3], '^%d+$')
if not is_valid then return redis.error_reply('ARGUMENT: id, times, or the number of limits') end
local limits = {struct.unpack('>' .. string.rep('ddd', count), ARGV[5])}
for i = 1, count * 3 do
    local number = limits[i]
    if not (number >= 0 and number <= 9007199254740991) or number % 1 ~= 0 then
        return redis.error_reply('ARGUMENT: number ' .. i .. ' of the limits')
    end
end
for i = 1, count * 3, 3 do
    local kind = limits[i]
    if kind < 1 or kind > 4 or limits[i + 2] == 0 and kind ~= 4 then
        return redis.error_reply('ARGUMENT: kind or span of a limit')
    end
end
