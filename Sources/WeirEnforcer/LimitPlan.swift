import WeirCore
import WeirRedis

/// Which limits cover a call, and whom each counts it for; in the order of the policy. Pure, from policy and call.
struct CoveringLimits: Sendable {
    let limits: [Limit]
    let subjects: [Subject]
    /// What may override the amount of each.
    let names: [OverrideName]

    /// As many as a script takes.
    static let largestCount = 16

    /// - Throws: ``EnforcerError/misconfigured(reason:)`` if they are more than a call may meet.
    init(policy: Policy, call: Call) throws(EnforcerError) {
        var limits: [Limit] = []
        var subjects: [Subject] = []
        var names: [OverrideName] = []
        for limit in policy.limits where limit.enforce != .ledger && limit.covers(call) {
            for subject in limit.subjects(of: call) {
                limits.append(limit)
                subjects.append(subject)
                names.append(OverrideName(limit: limit.id, subject: subject.text))
            }
        }
        guard limits.count <= Self.largestCount else {
            throw .misconfigured(
                reason:
                    "\(limits.count) limits cover one call of product \(call.product); at most \(Self.largestCount) may"
            )
        }
        self.limits = limits
        self.subjects = subjects
        self.names = names
    }
}

/// The counters that one call must pass, shard by shard: pure, from the limits that cover it, their overrides, and what
/// the call may cost.
struct LimitPlan: Sendable {
    struct Step: Sendable {
        let limit: Limit
        let subject: Subject
        let counter: CounterKey
        /// Units to reserve.
        let cost: Int
        let amount: Int
        let source: Limit.AmountSource
    }

    /// The counters in one shard: what one script checks.
    struct Part: Sendable {
        let shard: Shard
        var steps: [Step] = []

        var scriptEntries: [AdmitScript.Entry] {
            steps.map {
                AdmitScript.Entry(
                    counter: $0.counter, cost: $0.cost, amount: $0.amount, denies: $0.limit.enforce == .reserve)
            }
        }
    }

    /// In the shard of the call itself, maybe without a counter; it carries the usage event.
    private(set) var home: Part
    /// In other shards: limits per product, per address and of everybody.
    private(set) var sides: [Part] = []

    /// - Parameter overrides: amounts that differ from policy, by place in `covering`.
    /// - Parameter nowMs: Redis's time as far as known: names the periods.
    init(
        _ covering: CoveringLimits, overrides: [Int: Int] = [:], call: Call, estimate: Estimate, home: Shard,
        shardCount: Int, nowMs: Int
    ) {
        self.home = Part(shard: home)
        self.home.steps.reserveCapacity(covering.limits.count)
        for place in covering.limits.indices {
            let limit = covering.limits[place]
            let subject = covering.subjects[place]
            let override = overrides.isEmpty ? nil : overrides[place]
            let shard: Shard
            switch subject {
            // The team's shard is the call's, unless it has no team.
            case .team, .user, .group, .key:
                shard = call.isAnonymous ? Shard(of: subject, team: call.team, count: shardCount) : home
            case .ip, .product, .global: shard = Shard(of: subject, team: call.team, count: shardCount)
            }
            let (amount, source) = limit.amount(for: subject, of: call, override: override)
            let step = Step(
                limit: limit, subject: subject,
                counter: CounterKey(
                    shard: shard, limit: limit.id, subject: covering.names[place].subject,
                    counter: limit.counter(override: override), atMs: nowMs),
                cost: limit.unit.cost(of: estimate), amount: amount, source: source)
            if shard == home {
                self.home.steps.append(step)
            } else if let index = sides.firstIndex(where: { $0.shard == shard }) {
                sides[index].steps.append(step)
            } else {
                sides.append(Part(shard: shard, steps: [step]))
            }
        }
    }
}

extension Limit.Unit {
    /// What a limit of this unit reserves for a call.
    func cost(of estimate: Estimate) -> Int {
        switch self {
        case .requests, .concurrency: 1
        case .tokens: min(max(0, estimate.tokens), .largestExact)
        case .usd: min(max(0, estimate.cost.micros), .largestExact)
        }
    }
}
