import WeirCore
import WeirRedis

/// The counters that one call must pass, in the order of the policy: pure, from policy, call and estimate.
struct LimitPlan: Sendable {
    struct Step: Sendable {
        let limit: Limit
        let subject: Subject
        let counter: CounterKey
        /// Units to reserve.
        let cost: Int
        let amount: Int
    }

    /// As many as a script takes.
    static let largestCount = 16

    let steps: [Step]

    /// - Parameter nowMs: Redis's time as far as known: names the periods.
    /// - Throws: ``EnforcerError/misconfigured(reason:)`` if more limits cover the call than a script takes.
    init(policy: Policy, call: Call, estimate: Estimate, shard: Shard, nowMs: Int) throws(EnforcerError) {
        var steps: [Step] = []
        for limit in policy.limits where limit.enforce != .ledger && limit.covers(call) {
            for subject in limit.subjects(of: call) {
                let amount = limit.amount(for: subject, of: call).amount
                steps.append(
                    Step(
                        limit: limit, subject: subject,
                        counter: CounterKey(
                            shard: shard, limit: limit.id, subject: subject.text, counter: limit.counter, atMs: nowMs),
                        cost: limit.unit.cost(of: estimate), amount: amount))
            }
        }
        guard steps.count <= Self.largestCount else {
            throw .misconfigured(
                reason:
                    "\(steps.count) limits cover one call of product \(call.product); at most \(Self.largestCount) may")
        }
        self.steps = steps
    }

    var scriptEntries: [AdmitScript.Entry] {
        steps.map {
            AdmitScript.Entry(
                counter: $0.counter, cost: $0.cost, amount: $0.amount, denies: $0.limit.enforce == .reserve)
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
