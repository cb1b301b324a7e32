-- Checks what a call with a choice of models has besides, and unpacks it: `models`, `choice`, and room for `marks`.
models = (#ARGV - 4) / 2
local is_valid = models % 1 == 0 and models <= 16 and #ARGV[#ARGV] == count * 24
for number = 2, is_valid and models or 0 do
    is_valid = is_valid and #ARGV[3 + 2 * number] == count * 40
        and string.find(ARGV[2 + 2 * number], '^%d+ %d+ [%d,]*\n[^\n]*\n$')
end
choice, marks = is_valid and {struct.unpack('>' .. string.rep('ddd', count), ARGV[#ARGV])}, {}
for number = 1, is_valid and count * 3 or 0 do
    is_valid = is_valid and choice[number] >= 0 and choice[number] <= LARGEST and choice[number] % 1 == 0
end
if not is_valid then return redis.error_reply('ARGUMENT admit: models or choice') end
