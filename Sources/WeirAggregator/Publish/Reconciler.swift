import Logging
import WeirLedger
import WeirRedis

/// Raises the budgets of the current periods to what the ledger knows, in shards where nodes have sent events again that
/// Redis may have lost (lua/resend.lua): those are charged by nobody else. Never lowers a counter, so repeating it, or doing
/// it twice at once, changes nothing.
///
/// A budget that others charge meanwhile may miss as much of what was sent again as the ledger lags behind them.
struct Reconciler: Sendable {
    let redis: AggregatorRedis
    let ledger: any LedgerStore
    let shards: [Shard]
    let logger: Logger

    /// A shard in which events were sent again, and the last of them.
    private struct Late: Sendable {
        let shard: Shard
        let last: String
    }

    /// Returns how many budgets were raised.
    func step() async throws(AggregatorError) -> Int {
        let due = try await late()
        guard !due.isEmpty else { return 0 }
        let nowMs = try await redis.nowMs()
        guard let seeds = try await BudgetSeed.inForce(ledger: ledger, shardCount: shards.count, nowMs: nowMs) else {
            return 0
        }
        let shards = Set(due.map(\.shard))
        let raised = Tally()
        try await redis.forEach(seeds.filter { shards.contains($0.shard) }) {
            [redis] (seed) async throws(AggregatorError) in
            let reply = try await redis.run(
                ScriptCatalogue.raise, keys: [seed.key, RedisKeys.reservations(seed.shard)],
                arguments: [.int(seed.settled), .int(seed.expireAtMs)])
            if reply == .integer(1) { await raised.add() }
        }
        for late in due {
            _ = try await redis.run(
                ScriptCatalogue.reconciled, keys: [RedisKeys.committed(late.shard)], arguments: [.string(late.last)])
        }
        let count = await raised.count
        logger.notice(
            "budgets raised for events that were sent again",
            metadata: ["shards": "\(due.count)", "budgets": "\(count)"])
        return count
    }

    /// Those of which the ledger has all that was sent again. A shard that is not ready gets its counters when it is made so.
    private func late() async throws(AggregatorError) -> [Late] {
        var due: [Late] = []
        for shard in shards {
            guard
                case .array(let fields) = try await redis.send([
                    "HMGET", .string(RedisKeys.committed(shard)), "late", "epoch", "below",
                ]), fields.count == 3, let last = fields[0].words, let id = StreamID(last),
                let epoch = fields[1].words, !epoch.isEmpty, let below = fields[2].words.flatMap({ StreamID($0) }),
                id < below, try await redis.send(["GET", .string(RedisKeys.epoch(shard))]).words == epoch
            else { continue }
            due.append(Late(shard: shard, last: last))
        }
        return due
    }

    private actor Tally {
        var count = 0
        func add() { count += 1 }
    }
}
