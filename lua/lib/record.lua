--[[
A reservation, as kept in the shard's `reservations` hash under its id.

While it lives, three lines of text, made by the node:
  <lease_end_ms> <at_ms> <held,held,...>     when it was admitted, within 2 s; units held, in the order of the limits
  <call>       JSON: the keys and kinds of its counters, in other shards, too (`sides`), and the usage event if the node
               died now; where there was a choice of models, it begins with {"rung":n,…}, the number of the one that was
               chosen
  <observed>   the usage event as observed at the last renewal; empty before
Once it has ended, how: `settled`, `released`, or `orphaned <units,...>`; the latter two maybe with the three lines
after it; or `counted`, with a line `<units> <budget's key>` for each budget of this shard that was made of a ledger
which has the call as an orphan (counted.lua). Kept for a while, so that a repeated step changes nothing, and removed by
expired.lua.

An id is a ULID: 26 letters and digits, the first ten of them the time of its birth.

Beside the reservations stand four things that are none:
  <budget's key>   when it expires, in ms: that budget has to be there. Written when it is made
  ready            the epoch for which open.lua opened the shard: without it the list of budgets is not whole
  opening          while it is made ready: by whom (open.lua)
  lost             somebody missed a budget that has to be there; the leader looks for it and makes all such anew
While a budget is lost, nothing changes that holds it: it is not ready, and all the rest of the shard is.
]]
