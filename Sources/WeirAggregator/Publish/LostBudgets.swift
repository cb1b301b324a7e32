import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Makes budgets anew that somebody deleted while their shard was ready.
///
/// A script that misses a budget which has to be there changes nothing that concerns it, and leaves a mark (lua/lib/record.lua).
/// So while a budget is lost its reservations stand still: what they hold can be summed up, and once the ledger has
/// every event that was in the streams when the loss was seen, so can what was spent.
actor LostBudgets {
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let shards: [Shard]
    private let logger: Logger
    /// Shards in which a budget was missed, until all of theirs are there.
    private var suspects: Set<Shard> = []
    /// What was found lost, and the last event of each stream then.
    private var waiting: (keys: [Shard: [String]], last: [Shard: String])?

    init(redis: AggregatorRedis, ledger: any LedgerStore, shards: [Shard], logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.shards = shards
        self.logger = logger
    }

    /// Whether somebody has missed a budget.
    func isAnyMissed() async throws(AggregatorError) -> Bool {
        try await marks().contains { $0.isMissed }
    }

    /// Repeating it changes nothing. Returns how many it has made anew.
    ///
    /// - Parameter unready: shards that are rebuilt anyway.
    func step(as leader: Leader, unready: [Shard]) async throws(AggregatorError) -> Int {
        for mark in try await marks() where !unready.contains(mark.shard) {
            if !mark.isWhole { try await close(mark.shard, as: leader) }
            guard mark.isMissed else { continue }
            // Before the search: what is missed from now on leaves a new mark.
            _ = try await redis.send([
                "HDEL", .string(RedisKeys.reservations(mark.shard)), .string(RedisKeys.lostField),
            ])
            suspects.insert(mark.shard)
        }
        if suspects.isEmpty { return 0 }
        if waiting == nil {
            var keys: [Shard: [String]] = [:]
            for shard in suspects { keys[shard] = try await missing(in: shard) }
            suspects = suspects.filter { keys[$0]?.isEmpty == false }
            if suspects.isEmpty { return 0 }
            waiting = (keys, try await lastEvents())
        }
        guard let due = waiting, try await ledgerHas(due.last) else { return 0 }
        waiting = nil
        let restored = try await restore(due.keys, as: leader)
        suspects.subtract(due.keys.keys)
        return restored
    }

    /// A shard of which it is not known which budgets there have to be is made ready anew.
    private func close(_ shard: Shard, as leader: Leader) async throws(AggregatorError) {
        let closed = try await leader.run(
            ScriptCatalogue.fenced, keys: [RedisKeys.epoch(shard), RedisKeys.fence(shard)],
            arguments: [.int(leader.token), "DEL"])
        // Else all of the shard was lost meanwhile.
        guard closed == .integer(1) else { return }
        logger.error(
            "somebody deleted a shard's reservations; it is closed and made ready anew",
            metadata: ["key": "\(RedisKeys.reservations(shard))"])
    }

    private struct Mark: Sendable {
        let shard: Shard
        /// Its list of budgets was made when it was opened.
        let isWhole: Bool
        let isMissed: Bool
    }

    private func marks() async throws(AggregatorError) -> [Mark] {
        var marks: [Mark] = []
        for (shard, reply) in try await redis.ofEach(
            shards,
            { shard in
                [
                    "HMGET", .string(RedisKeys.reservations(shard)), .string(RedisKeys.readyField),
                    .string(RedisKeys.lostField),
                ]
            })
        {
            guard case .array(let fields) = reply, fields.count == 2 else { continue }
            marks.append(Mark(shard: shard, isWhole: fields[0] != .null, isMissed: fields[1] != .null))
        }
        return marks
    }

    private func missing(in shard: Shard) async throws(AggregatorError) -> [String] {
        let listed = Array(try await ShardBudgets(of: shard, in: redis).listed)
        var missing: [String] = []
        for start in stride(from: 0, to: listed.count, by: 256) {
            let piece = listed[start..<min(start + 256, listed.count)]
            let count = try await redis.send(["EXISTS"] + piece.map { .string($0) })
            if count == .integer(piece.count) { continue }
            for key in piece where try await redis.send(["EXISTS", .string(key)]) == .integer(0) { missing.append(key) }
        }
        return missing
    }

    /// The last entry of every stream: a budget across teams is spent by calls of all shards.
    private func lastEvents() async throws(AggregatorError) -> [Shard: String] {
        var last: [Shard: String] = [:]
        for (shard, reply) in try await redis.ofEach(
            shards,
            { shard in
                ["XREVRANGE", .string(RedisKeys.usage(shard)), "+", "-", "COUNT", 1]
            })
        {
            guard case .array(let entries) = reply, case .array(let entry) = entries.first else { continue }
            last[shard] = entry.first?.words
        }
        return last
    }

    /// Only what the ledger has is taken out of a stream.
    private func ledgerHas(_ last: [Shard: String]) async throws(AggregatorError) -> Bool {
        for (shard, id) in last {
            let older = try await redis.send([
                "XRANGE", .string(RedisKeys.usage(shard)), "-", .string(id), "COUNT", 1,
            ])
            guard older == .array([]) else { return false }
        }
        return true
    }

    private func restore(_ keys: [Shard: [String]], as leader: Leader) async throws(AggregatorError) -> Int {
        let nowMs = try await redis.nowMs()
        guard let seeds = try await BudgetSeed.inForce(ledger: ledger, shardCount: shards.count, nowMs: nowMs) else {
            return 0
        }
        let settled = Dictionary(seeds.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var restored = 0
        for (shard, keys) in keys {
            let held = try await ShardBudgets(of: shard, in: redis).held
            for key in keys {
                // What neither the ledger nor a live call knows has nothing to be remembered but that it is there.
                let expireAtMs =
                    settled[key]?.expireAtMs ?? held[key]?.expireAtMs ?? nowMs.addingSaturated(UTCDay.lengthMs)
                let reply = try await leader.run(
                    ScriptCatalogue.restore,
                    keys: [RedisKeys.epoch(shard), key, RedisKeys.fence(shard), RedisKeys.reservations(shard)],
                    arguments: [
                        "", .int(held[key]?.units ?? 0), .int(settled[key]?.settled ?? 0), .int(expireAtMs),
                        .int(leader.token),
                    ])
                guard reply == .integer(1) else { continue }
                restored += 1
                logger.error(
                    "somebody deleted a budget; it was made anew by the ledger",
                    metadata: [
                        "key": "\(key)", "settled": "\(settled[key]?.settled ?? 0)",
                        "reserved": "\(held[key]?.units ?? 0)",
                    ])
            }
        }
        return restored
    }
}
