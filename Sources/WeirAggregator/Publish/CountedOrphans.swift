import WeirCore
import WeirLedger
import WeirRedis

/// Calls that the ledger has charged as orphans not long ago, so that their node may still settle them.
///
/// A Redis that was lost has forgotten those charges, and its budgets are made anew of a ledger that has them: what comes for
/// such a call must be charged the difference alone (lua/counted.lua), whether its node has announced it or not.
struct CountedOrphans: Sendable {
    /// Endings as lua/lib/record.lua describes them, by shard.
    let endings: [Shard: [(id: String, text: String)]]

    /// - Parameter shardCount: of the deployment.
    static func read(policy: Policy, ledger: any LedgerStore, shardCount: Int, nowMs: Int)
        async throws(LedgerError) -> CountedOrphans
    {
        // A call may be charged by the time of its admission, and remembered from its id's birth on: a little less.
        let orphans = try await ledger.standingOrphans(calledFrom: nowMs - Reaper.endingsKeptMs - 60_000)
        let needsGroups = !orphans.isEmpty && policy.limits.contains { $0.per == .group }
        return CountedOrphans(
            orphans, policy: policy, groups: needsGroups ? try await ledger.groupsOfKeys() : [:],
            shardCount: shardCount, nowMs: nowMs)
    }

    init(
        _ orphans: [StandingOrphan], policy: Policy, groups: [String: [String]], shardCount: Int, nowMs: Int
    ) {
        var endings: [Shard: [(id: String, text: String)]] = [:]
        for orphan in orphans where ReservationID(orphan.id) != nil {
            // The home shard in any case: it must not be charged once more from an old snapshot, where it lives.
            var lines: [Shard: String] = [Shard(of: orphan.spend.team ?? "", count: shardCount): ""]
            for limit in policy.limits where limit.enforce != .ledger && limit.per.spendGrouping != nil {
                guard case .period(let kind) = limit.span else { continue }
                let period = kind.containing(ms: nowMs)
                guard (period.startMs..<period.endMs).contains(orphan.calledAtMs),
                    limit.match.selection(in: policy).contains(orphan)
                else { continue }
                let spends =
                    limit.per == .group ? Spend.byGroup([orphan.spend], groups: groups) : [orphan.spend]
                for seed in spends.compactMap({ BudgetSeed($0, of: limit, in: period, shardCount: shardCount) }) {
                    lines[seed.shard, default: ""] += "\n\(seed.settled) \(seed.key)"
                }
            }
            for (shard, lines) in lines { endings[shard, default: []].append((orphan.id, "counted" + lines)) }
        }
        self.endings = endings
    }

    /// Of as many calls at once as keep a script short.
    private static let idsPerStep = 200

    /// Writes what a shard has to remember. False: it is ready already.
    func note(in shard: Shard, as leader: Leader) async throws(AggregatorError) -> Bool {
        let endings = endings[shard] ?? []
        for start in stride(from: 0, to: endings.count, by: Self.idsPerStep) {
            let step = endings[start..<min(start + Self.idsPerStep, endings.count)]
            let reply = try await leader.run(
                ScriptCatalogue.counted,
                keys: [RedisKeys.epoch(shard), RedisKeys.reservations(shard), RedisKeys.fence(shard)],
                arguments: [.int(leader.token)] + step.flatMap { [.string($0.id), .string($0.text)] })
            if reply == .integer(-1) { return false }
        }
        return true
    }
}
