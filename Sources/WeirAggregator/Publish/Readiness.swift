import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Makes shards ready: puts into the budgets of a Redis that is new, or has lost everything, what the ledger knows to be
/// spent in the current periods, and sets the epoch without which no node admits anything.
///
/// Budgets per team, user and product and of everybody are seeded; windows begin empty (they are shorter than a rebuild is
/// late), and budgets per key, group and address begin at zero, since the ledger's sums do not know them.
struct Readiness: Sendable {
    let redis: AggregatorRedis
    let ledger: any LedgerStore
    let shards: [Shard]
    let logger: Logger

    /// One budget and what it has to hold at least.
    struct Seed: Sendable, Equatable {
        let shard: Shard
        let key: String
        let settled: Int
        let expireAtMs: Int
    }

    /// The shards that have no epoch.
    func unready() async throws(AggregatorError) -> [Shard] {
        let answers = await withTaskGroup(of: (Shard, Result<RedisValue, AggregatorError>).self) { group in
            for shard in shards {
                group.addTask {
                    do throws(AggregatorError) {
                        return (shard, .success(try await redis.send(["GET", .string(RedisKeys.epoch(shard))])))
                    } catch {
                        return (shard, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var missing: [Shard] = []
        for (shard, answer) in answers where try answer.get() == .null { missing.append(shard) }
        return missing.sorted { $0.number < $1.number }
    }

    /// Seeds, then opens, those whose stream is empty: all that Redis held of them is in the ledger then, and nothing is
    /// added while they are not ready. Nothing is opened without a policy: it says which budgets there are.
    ///
    /// Repeating it, also half-way, changes nothing: seeds never lower a counter, and a shard that is open is left alone.
    /// Returns how many it opened.
    func open(_ unready: [Shard]) async throws(AggregatorError) -> Int {
        let ready = try await drained(unready)
        guard !ready.isEmpty else { return 0 }
        let nowMs = try await redis.nowMs()
        let seeds: [Seed]
        do {
            guard let policy = try await ledger.currentPolicy()?.policy else { return 0 }
            seeds = try await Self.seeds(policy: policy, ledger: ledger, shardCount: shards.count, nowMs: nowMs)
        } catch { throw error == .cancelled ? .cancelled : .ledger(error) }
        let wanted = Set(ready)
        let due = seeds.filter { wanted.contains($0.shard) }
        try await redis.forEach(due) { [redis] (seed) async throws(AggregatorError) in
            _ = try await redis.run(
                ScriptCatalogue.seed, keys: [RedisKeys.epoch(seed.shard), seed.key],
                arguments: [.int(seed.settled), .int(seed.expireAtMs)])
        }
        for shard in ready {
            let id = UInt64.random(in: .min ... .max)
            _ = try await redis.send([
                "SET", .string(RedisKeys.epoch(shard)), .string("\(nowMs)-\(String(id, radix: 16))"), "NX",
            ])
        }
        logger.notice("shards ready", metadata: ["shards": "\(ready.count)", "budgets": "\(due.count)"])
        return ready.count
    }

    /// Those of which the ledger has everything.
    private func drained(_ shards: [Shard]) async throws(AggregatorError) -> [Shard] {
        var drained: [Shard] = []
        for shard in shards {
            // What an aggregator acknowledged, and was killed before it could trim it, goes now.
            let stream = ShardStream(shard: shard, redis: redis, consumer: "")
            do { try await stream.trim() } catch .redis(.server(let text)) where text.hasPrefix("NOGROUP") {
                // Neither stream nor group: a new Redis. Or a stream without a group: then its length says so.
            }
            if try await redis.send(["XLEN", .string(stream.key)]) == .integer(0) { drained.append(shard) }
        }
        return drained
    }

    /// What the ledger knows of the budgets of the current periods.
    static func seeds(policy: Policy, ledger: any LedgerStore, shardCount: Int, nowMs: Int)
        async throws(LedgerError) -> [Seed]
    {
        var seeds: [Seed] = []
        for limit in policy.limits where limit.enforce != .ledger {
            guard case .period(let kind) = limit.span, let grouping = limit.per.spendGrouping else { continue }
            let period = kind.containing(ms: nowMs)
            let spends = try await ledger.spend(
                by: grouping, in: DayRange(period), of: limit.match.selection(in: policy))
            for spend in spends {
                guard let subject = limit.per.subject(of: spend), let units = spend.totals.amount(in: limit.unit),
                    units > 0
                else { continue }
                let shard = Shard(of: subject, team: spend.team ?? "", count: shardCount)
                seeds.append(
                    Seed(
                        shard: shard,
                        key: RedisKeys.budget(shard, limit: limit.id, subject: subject.text, period: period),
                        settled: min(units, .largestExact), expireAtMs: period.endMs + UTCDay.lengthMs))
            }
        }
        return seeds
    }
}

extension Limit.Per {
    /// The ledger's sums of these subjects; nil: it does not sum by them.
    fileprivate var spendGrouping: SpendGrouping? {
        switch self {
        case .team: .team
        case .user: .user
        case .product: .product
        case .global: .everybody
        case .group, .key, .ip: nil
        }
    }

    /// Whose spending a sum is; nil for calls without a user, and of a team that is none (anonymous callers).
    fileprivate func subject(of spend: Spend) -> Subject? {
        switch self {
        case .team: spend.team.map { .team($0) }
        case .user:
            if let team = spend.team, let user = spend.user { .user(team: team, id: user) } else { nil }
        case .product: spend.product.map { .product($0) }
        case .global: .global
        case .group, .key, .ip: nil
        }
    }
}
