import WeirCore
import WeirRedis

/// The counters that one call must pass, shard by shard: pure, from the limits that cover it, their overrides, and what
/// the call may cost on each of the models that may serve it.
struct LimitPlan: Sendable {
    /// One limit and what the call costs in it.
    struct Step: Sendable {
        let counted: CountedLimit
        /// Units to reserve on the first model; nil: the limit does not cover it.
        let cost: Int?
        /// Whether a budget's threshold may send the call to the next model: it covers the first.
        let mayGiveWay: Bool

        var limit: Limit { counted.limit }
        var subject: Subject { counted.subject }
        var counter: CounterKey { counted.counter }
        var amount: Int { counted.amount }
        var source: Limit.AmountSource { counted.source }
    }

    /// The counters in one shard: what one script checks.
    struct Part: Sendable {
        let shard: Shard
        var steps: [Step] = []
        /// Of each model but the first the units to reserve, step by step.
        var lower: [[Int?]] = []

        /// Units to reserve on the candidate, step by step.
        func costs(of candidate: Int) -> [Int?] { candidate == 0 ? steps.map(\.cost) : lower[candidate - 1] }
    }

    /// As many as a script takes.
    static let largestCount = 16

    /// In the shard of the call itself, maybe without a counter; it carries the usage event.
    private(set) var home: Part
    /// In other shards: limits per product, per address and of everybody.
    private(set) var sides: [Part] = []
    /// The models that may serve it: all that were offered, where a budget with `downgrade_at` covers the call, else the
    /// first alone.
    let candidates: [Candidate]

    /// - Parameter overrides: amounts that differ from policy, by place in `covering`.
    /// - Parameter candidates: at least one, the first as asked.
    /// - Parameter expected: what recent calls make likely for this candidate; nil: not known yet.
    /// - Parameter nowMs: Redis's time as far as known: names the periods.
    /// - Throws: ``EnforcerError/misconfigured(reason:)`` if more limits cover the call than a script takes.
    init(
        _ covering: CoveringLimits, overrides: [Int: Int] = [:], call: Call, candidates: [Candidate],
        expected: (Candidate) -> Estimate? = { _ in nil }, home: Shard, shardCount: Int, nowMs: Int
    ) throws(EnforcerError) {
        self.home = Part(shard: home)
        self.home.steps.reserveCapacity(covering.limits.count)
        var candidates = candidates
        if candidates.count > 1, !Self.givesWay(covering, overrides, call, candidates[0]) {
            candidates.removeSubrange(1...)
        }
        self.candidates = candidates
        let counted = covering.counted(
            overrides: overrides, call: call, home: home, shardCount: shardCount, nowMs: nowMs)
        if candidates.count == 1 {
            for counted in counted where counted.limit.covers(call, on: candidates[0].model) {
                let cost = counted.limit.cost(of: candidates[0], expected: expected)
                add(Step(counted: counted, cost: cost, mayGiveWay: false), lower: [])
            }
        } else {
            for counted in counted { add(counted, call: call, expected: expected) }
        }
        let count = sides.reduce(self.home.steps.count) { $0 + $1.steps.count }
        guard count <= Self.largestCount else {
            throw .misconfigured(
                reason: "\(count) limits cover one call of product \(call.product); at most \(Self.largestCount) may")
        }
    }

    /// Of a call that several models may serve.
    private mutating func add(_ counted: CountedLimit, call: Call, expected: (Candidate) -> Estimate?) {
        var costs = candidates.map { candidate in
            counted.limit.covers(call, on: candidate.model)
                ? counted.limit.cost(of: candidate, expected: expected) : nil
        }
        let mayGiveWay = costs[0] != nil
        // A side does not learn which model the home chooses, so it holds enough for each that is left to choose.
        if counted.shard != home.shard { costs = Self.enoughForAllBelow(costs) }
        add(Step(counted: counted, cost: costs[0], mayGiveWay: mayGiveWay), lower: costs.dropFirst())
    }

    private mutating func add(_ step: Step, lower: ArraySlice<Int?>) {
        let shard = step.counted.shard
        if shard == home.shard {
            home.add(step, lower: lower)
        } else if let index = sides.firstIndex(where: { $0.shard == shard }) {
            sides[index].add(step, lower: lower)
        } else {
            sides.append(Part(shard: shard))
            sides[sides.count - 1].add(step, lower: lower)
        }
    }

    /// Whether any budget may send the call from the first model to the next.
    private static func givesWay(
        _ covering: CoveringLimits, _ overrides: [Int: Int], _ call: Call, _ first: Candidate
    ) -> Bool {
        covering.limits.indices.contains { place in
            let limit = covering.limits[place]
            guard limit.downgradeAt != nil, limit.covers(call, on: first.model) else { return false }
            return limit.amount(for: covering.subjects[place], of: call, override: overrides[place]).amount > 0
        }
    }

    private static func enoughForAllBelow(_ costs: [Int?]) -> [Int?] {
        var most: Int?
        return costs.reversed().map { cost in
            if let cost { most = max(most ?? 0, cost) }
            return most
        }.reversed()
    }

    /// Whether what calls really use is to be learned.
    var learns: Bool {
        home.steps.contains { $0.limit.reserve == .expected }
            || sides.contains { $0.steps.contains { $0.limit.reserve == .expected } }
    }
}

extension LimitPlan.Part {
    fileprivate mutating func add(_ step: LimitPlan.Step, lower costs: ArraySlice<Int?>) {
        if lower.count < costs.count { lower = [[Int?]](repeating: [], count: costs.count) }
        steps.append(step)
        for (index, cost) in costs.enumerated() { lower[index].append(cost) }
    }

    /// The part as it is when the first models are out of the question.
    func dropping(first count: Int) -> Self {
        guard count > 0, !lower.isEmpty else { return self }
        var part = self
        let costs = lower[count - 1]
        part.lower.removeFirst(count)
        part.steps = zip(steps, costs).map { step, cost in
            LimitPlan.Step(counted: step.counted, cost: cost, mayGiveWay: false)
        }
        return part
    }
}
