-- Checks the arguments of settle, release and reap before anything is written, and unpacks `limits`: three doubles each.
local call, id, count = redis.call, ARGV[1], #KEYS - 3
local is_valid = #id == 26 and count >= 0 and count <= 16 and #ARGV == 5
    and #ARGV[5] == count * 24 and tonumber(ARGV[3])
if not is_valid then return redis.error_reply('ARGUMENT: id, admitted_ms, or the number of limits') end
local limits = {struct.unpack('>' .. string.rep('ddd', count), ARGV[5])}
for i = 1, count * 3 do
    local number = limits[i]
    if not (number >= 0 and number <= 9007199254740991) or number % 1 ~= 0 then
        return redis.error_reply('ARGUMENT: number ' .. i .. ' of the limits')
    end
end
