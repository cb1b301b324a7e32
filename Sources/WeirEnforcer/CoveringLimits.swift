import Synchronization
import WeirCore
import WeirRedis

/// Which limits cover a call on any of the models that may serve it, whom each counts it for and where; in the order of
/// the policy. From policy and call alone, so that a caller's next call finds it made (``PolicyInForce``).
final class CoveringLimits: Sendable {
    let limits: [Limit]
    let subjects: [Subject]
    /// What may override the amount of each.
    let names: [OverrideName]
    private let latest = Mutex<Named?>(nil)

    /// The counters as they are named while `times` lasts, in milliseconds since 1970.
    private struct Named {
        let times: Range<Int>
        let home: Shard
        let shardCount: Int
        let counted: [CountedLimit]
    }

    /// - Parameter candidates: the models that may serve it; at least one.
    init(policy: Policy, call: Call, candidates: [Candidate]) {
        var limits: [Limit] = []
        var subjects: [Subject] = []
        var names: [OverrideName] = []
        for limit in policy.limits where limit.enforce != .ledger {
            guard candidates.contains(where: { limit.covers(call, on: $0.model) }) else { continue }
            for subject in limit.subjects(of: call) {
                limits.append(limit)
                subjects.append(subject)
                names.append(OverrideName(limit: limit.id, subject: subject.text))
            }
        }
        self.limits = limits
        self.subjects = subjects
        self.names = names
    }

    /// - Parameters:
    ///   - overrides: amounts that differ from policy, by place.
    ///   - call: one that this was made for.
    ///   - home: the call's own shard.
    ///   - nowMs: Redis's time as far as known: names the periods.
    func counted(
        overrides: [Int: Int], call: Call, home: Shard, shardCount: Int, nowMs: Int
    ) -> [CountedLimit] {
        if overrides.isEmpty, let known = latest.withLock({ $0 }), known.times.contains(nowMs), known.home == home,
            known.shardCount == shardCount
        {
            return known.counted
        }
        var times = Int.min..<Int.max
        let counted = limits.indices.map { place in
            let limit = limits[place]
            let subject = subjects[place]
            let override = overrides[place]
            let shard: Shard
            switch subject {
            // The team's shard is the call's, unless it has no team.
            case .team, .user, .group, .key:
                shard = call.isAnonymous ? Shard(of: subject, team: call.team, count: shardCount) : home
            case .ip, .product, .global: shard = Shard(of: subject, team: call.team, count: shardCount)
            }
            if case .period(let period) = limit.span {
                let instance = period.containing(ms: nowMs)
                times = times.clamped(to: instance.startMs..<instance.endMs)
            }
            let (amount, source) = limit.amount(for: subject, of: call, override: override)
            return CountedLimit(
                limit: limit, subject: subject, subjectText: names[place].subject, shard: shard,
                counter: CounterKey(
                    shard: shard, limit: limit.id, subject: names[place].subject,
                    counter: limit.counter(override: override), atMs: nowMs),
                amount: amount, source: source)
        }
        if overrides.isEmpty {
            latest.withLock { $0 = Named(times: times, home: home, shardCount: shardCount, counted: counted) }
        }
        return counted
    }
}
