#!lua
--[[
Give a reservation back unspent: the call never reached a provider.

KEYS, ARGV as for settle; the units of each limit are 0, and
ARGV[4]  'forget'      its admission was answered, so none of this id can arrive any more, and nothing has to be remembered:
                       so that a flood of calls that another shard denies leaves nothing here.
         'keep': remembered with its record, so that a settlement that comes after all finds what to charge.
         Anything else: remembered
Returns  {1, skipped}  released; skipped: counters that could not be corrected
         {2}           it had ended before, or was never held; nothing changed, and (unless forgotten) it cannot be
                       admitted any more
         {-1}          not ready, or a budget of it is lost: nothing changed, repeat later
]]
--#include lib/record.lua
--#include lib/arguments.lua
if not call('GET', KEYS[1]) then return {-1} end
local value, charged, counted, is_release = call('HGET', KEYS[2], id), nil, nil, true
local forgets = ARGV[4] == 'forget'
-- Never held: its admission may still be under way, and must not hold anything when it arrives.
if not value and not forgets then call('HSET', KEYS[2], id, 'released') end
local held = string.match(value or '', '^%d+ %d+ ([%d,]*)\n')
if not held then return {2} end
local stream_id = ''
--#include lib/budgets.lua
if forgets then call('HDEL', KEYS[2], id)
else call('HSET', KEYS[2], id, ARGV[4] == 'keep' and 'released\n' .. value or 'released') end
--#include lib/ending.lua
return {1, skipped}
