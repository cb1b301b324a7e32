-- Checks the arguments of settle, release and reap before anything is written. Expects `id` and `limits_at`.
local is_valid = #KEYS >= 3 and #KEYS <= 19 and #ARGV == limits_at + #KEYS - 3 and #id == 26 and not string.find(id, '%W')
for i = 2, is_valid and 3 or 0 do is_valid = is_valid and #ARGV[i] <= 15 and string.find(ARGV[i], '^%d+$') end
for i = 1, is_valid and #KEYS - 3 or 0 do
    local units, span = string.match(ARGV[limits_at + i], '^[LRBC] (%d+) (%d+)$')
    is_valid = is_valid and units and #units <= 16 and #span <= 16
end
if not is_valid then return redis.error_reply('ARGUMENT: id, times, or the number or form of the limits') end
