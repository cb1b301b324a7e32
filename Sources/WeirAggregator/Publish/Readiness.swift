import Logging
import Synchronization
import WeirCore
import WeirLedger
import WeirRedis

/// Makes shards ready: puts into the budgets of a Redis that is new, or has lost something, what the ledger knows to be
/// spent in the current periods, and sets the epoch without which no node admits anything.
///
/// The epoch names the run of the Redis server for which it was made. A server that was started again from a snapshot, or
/// took another's place, has another run's epochs at best: they are taken away, and all is made ready anew.
///
/// Windows begin empty (they are shorter than a rebuild is late), and so do budgets per address, which the ledger does not
/// know. A group's budget is what the API keys spent that are in it now.
actor Readiness {
    nonisolated let shards: [Shard]
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    /// How long a shard stays closed at least, so that nodes announce the calls that live.
    private let grace: Duration
    private let logger: Logger
    /// When this process first saw each of those that are not ready.
    private var unreadySince: [Shard: ContinuousClock.Instant] = [:]

    init(redis: AggregatorRedis, ledger: any LedgerStore, shards: [Shard], grace: Duration, logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.shards = shards
        self.grace = grace
        self.logger = logger
    }

    /// A shard of which the ledger has everything.
    struct Drained: Sendable, Hashable {
        let shard: Shard
        /// The last entry that its stream ever had; empty: none. Another one since then, and the ledger must be asked again.
        let lastID: String
    }

    /// The shards that have no epoch of this run of Redis. Those of another run are closed.
    func unready(as leader: Leader) async throws(AggregatorError) -> [Shard] {
        let run = try await redis.runID()
        var missing: [Shard] = []
        for (shard, epoch) in try await redis.epochs(of: shards) {
            if epoch?.prefix(while: { $0 != " " }) == run[...] { continue }
            missing.append(shard)
            guard epoch != nil else { continue }
            try await leader.run(
                ScriptCatalogue.close, keys: [RedisKeys.epoch(shard), RedisKeys.fence(shard)],
                arguments: [.int(leader.token)])
        }
        let now = ContinuousClock.now
        let since = unreadySince
        unreadySince = Dictionary(uniqueKeysWithValues: missing.map { ($0, since[$0] ?? now) })
        if missing.count > since.count {
            logger.warning(
                "shards not ready",
                metadata: [
                    "shards": "\(missing.count)", "of": "\(shards.count)", "redis_run": "\(run.prefix(8))",
                ])
        }
        return missing.sorted { $0.number < $1.number }
    }

    /// Those that may be opened after the next evaluation: the grace is over, and the ledger has all of their streams.
    ///
    /// A deployment that never admitted anything needs no grace: there is nothing to be announced.
    func due(_ unready: [Shard]) async throws(AggregatorError) -> [Drained] {
        guard !unready.isEmpty else { return [] }
        let isBirth: Bool
        do { isBirth = try await ledger.openedRun() == nil } catch {
            throw AggregatorError(error)
        }
        let now = ContinuousClock.now
        let rested = unready.filter { shard in isBirth || unreadySince[shard].map { $0 + grace <= now } ?? false }
        var drained: [Drained] = []
        for shard in rested {
            // What an aggregator acknowledged, and was killed before it could trim it, goes now.
            let stream = ShardStream(shard: shard, redis: redis, consumer: "")
            do { try await stream.trim() } catch .redis(.server(let text)) where text.hasPrefix("NOGROUP") {
                // Neither stream nor group: a new Redis. Or a stream without a group: then its length says so.
            }
            if let lastID = try await stream.lastIDIfEmpty() { drained.append(Drained(shard: shard, lastID: lastID)) }
        }
        return drained
    }

    /// Seeds, then opens. Nothing is opened without a policy: it says which budgets there are.
    ///
    /// Repeating it, also half-way, also by two at once, changes nothing: seeds never lower a counter, and a shard that is
    /// open is left alone. Returns how many it opened.
    func open(_ due: [Drained], as leader: Leader) async throws(AggregatorError) -> Int {
        guard !due.isEmpty else { return 0 }
        let nowMs = try await redis.nowMs()
        let seeds: [BudgetSeed]
        let orphans: CountedOrphans
        do {
            guard let policy = try await ledger.currentPolicy()?.policy else { return 0 }
            // Before the sums: what becomes an orphan in between is charged twice rather than not at all.
            orphans = try await CountedOrphans.read(
                policy: policy, ledger: ledger, shardCount: shards.count, nowMs: nowMs)
            seeds = try await BudgetSeed.all(policy: policy, ledger: ledger, shardCount: shards.count, nowMs: nowMs)
        } catch { throw AggregatorError(error) }
        // Stands as long as nothing is lost again: else a shard would be opened without what was put into it.
        let opening = "\(leader.token)-" + String(UInt64.random(in: .min ... .max), radix: 36)
        try await redis.forEach(due) { (due) async throws(AggregatorError) in
            try await leader.run(
                ScriptCatalogue.fenced, keys: [RedisKeys.reservations(due.shard), RedisKeys.fence(due.shard)],
                arguments: [.int(leader.token), "HSET", .string(RedisKeys.openingField), .string(opening)])
        }
        let wanted = Set(due.map(\.shard))
        let needed = seeds.filter { wanted.contains($0.shard) }
        let seen = Mutex<[Shard: [String: HeldUnits.Seen]]>([:])
        try await redis.forEach(needed) { (seed) async throws(AggregatorError) in
            let reply = try await leader.run(
                ScriptCatalogue.seed,
                keys: [
                    RedisKeys.epoch(seed.shard), seed.key, RedisKeys.fence(seed.shard),
                    RedisKeys.reservations(seed.shard),
                ], arguments: [.int(seed.settled), .int(seed.expireAtMs), .int(leader.token)])
            guard case .array(let parts) = reply, case .integer(let reserved) = parts.last else { return }
            seen.withLock { $0[seed.shard, default: [:]][seed.key] = reserved < 0 ? .unreadable : .holds(reserved) }
        }
        var opened = 0
        for shard in due {
            guard try await orphans.note(in: shard.shard, as: leader) else { continue }
            let held = HeldUnits(shard: shard.shard, leader: leader)
            // Else calls are being announced at this very moment: the next step looks again.
            guard try await held.putRight(seen.withLock { $0[shard.shard] ?? [:] }) else { continue }
            let reply = try await leader.run(
                ScriptCatalogue.open,
                keys: [
                    RedisKeys.epoch(shard.shard), RedisKeys.usage(shard.shard), RedisKeys.fence(shard.shard),
                    RedisKeys.reservations(shard.shard),
                ], arguments: [.int(leader.token), .string(shard.lastID), .int(nowMs), .string(opening)])
            if reply == .integer(1) { opened += 1 }
            // Should it be lost again before the next look, its grace begins anew.
            if reply != .integer(-1) { unreadySince[shard.shard] = nil }
        }
        guard opened > 0 else { return 0 }
        let run = try await redis.runID()
        do { try await ledger.recordOpened(run: run) } catch {
            throw AggregatorError(error)
        }
        logger.notice(
            "shards ready",
            metadata: [
                "shards": "\(opened)", "still_not_ready": "\(unreadySince.count)", "of": "\(shards.count)",
                "budgets": "\(needed.count)",
            ])
        return opened
    }
}
