import WeirCore
import WeirRedis

/// The counters that one call must pass, in the order of the policy: pure, from policy, call, and the models that may
/// serve it.
struct LimitPlan: Sendable {
    struct Step: Sendable {
        let limit: Limit
        let subject: Subject
        let counter: CounterKey
        /// Units to reserve on the first model; nil: the limit does not cover it.
        let cost: Int?
        let amount: Int
    }

    /// As many as a script takes.
    static let largestCount = 16

    let steps: [Step]
    /// The models that may serve it: all that were offered, where a budget with `downgrade_at` covers the call, else the
    /// first alone.
    let candidates: [Candidate]
    /// Of each model but the first the units to reserve, step by step.
    let lower: [[Int?]]

    /// - Parameter candidates: at least one, the first as asked.
    /// - Parameter expected: what recent calls make likely for this candidate; nil: not known yet.
    /// - Parameter nowMs: Redis's time as far as known: names the periods.
    /// - Throws: ``EnforcerError/misconfigured(reason:)`` if more limits cover the call than a script takes.
    init(
        policy: Policy, call: Call, candidates: [Candidate], expected: (Candidate) -> Estimate? = { _ in nil },
        shard: Shard, nowMs: Int
    ) throws(EnforcerError) {
        let calls = candidates.map { call.served(by: $0) }
        var steps: [Step] = []
        var lower = [[Int?]](repeating: [], count: max(0, candidates.count - 1))
        for limit in policy.limits where limit.enforce != .ledger {
            guard calls.contains(where: limit.covers) else { continue }
            func cost(_ index: Int) -> Int? {
                guard limit.covers(calls[index]) else { return nil }
                return limit.cost(of: candidates[index], expected: expected)
            }
            for subject in limit.subjects(of: call) {
                let amount = limit.amount(for: subject, of: call).amount
                steps.append(
                    Step(
                        limit: limit, subject: subject,
                        counter: CounterKey(
                            shard: shard, limit: limit.id, subject: subject.text, counter: limit.counter, atMs: nowMs),
                        cost: cost(0), amount: amount))
                for index in lower.indices { lower[index].append(cost(index + 1)) }
            }
        }
        if !lower.isEmpty, !steps.contains(where: { $0.cost != nil && $0.downgrade != nil }) {
            steps.removeAll { $0.cost == nil }
            lower = []
        }
        guard steps.count <= Self.largestCount else {
            throw .misconfigured(
                reason:
                    "\(steps.count) limits cover one call of product \(call.product); at most \(Self.largestCount) may")
        }
        self.steps = steps
        self.lower = lower
        self.candidates = lower.isEmpty ? Array(candidates.prefix(1)) : candidates
    }

    var scriptEntries: [AdmitScript.Entry] {
        steps.map { step in
            let limit = step.limit
            var least: Int?
            if limit.clamp, step.amount > 0, let shortest = candidates.last?.least {
                least = limit.unit.cost(of: shortest)
            }
            return AdmitScript.Entry(
                counter: step.counter, cost: step.cost, amount: step.amount, denies: limit.enforce == .reserve,
                deniesWhenFull: limit.reserve == .none && limit.unit.cost(of: candidates[0].estimate) > 0,
                downgrade: lower.isEmpty ? nil : step.downgrade, least: least)
        }
    }

    /// Units to reserve on the candidate, step by step.
    func costs(of candidate: Int) -> [Int?] { candidate == 0 ? steps.map(\.cost) : lower[candidate - 1] }

    /// Whether what calls really use is to be learned.
    var learns: Bool { steps.contains { $0.limit.reserve == .expected } }

    /// What an answer must be shortened to; nil: everything that it may cost is held.
    func bound(of chosen: AdmitScript.Chosen) -> Reservation.Bound? {
        var bound = Reservation.Bound()
        for (index, cost) in costs(of: chosen.rung).enumerated() where steps[index].limit.clamp {
            guard let cost, chosen.held[index] < cost else { continue }
            let held = chosen.held[index]
            switch steps[index].limit.unit {
            case .tokens: bound.tokens = bound.tokens.map { min($0, held) } ?? held
            case .usd: bound.cost = MicroUSD(micros: bound.cost.map { min($0.micros, held) } ?? held)
            case .requests, .concurrency: break
            }
        }
        return bound == Reservation.Bound() ? nil : bound
    }
}

extension LimitPlan.Step {
    /// A budget that has made calls follow the ladder goes on until its share is this far below the threshold, in
    /// ten-thousandths: otherwise each settlement of less than was reserved would send the next call up again.
    static let hysteresis = 500

    /// Nil where the budget has no threshold, or is unlimited.
    var downgrade: AdmitScript.Entry.Downgrade? {
        guard let share = limit.downgradeAt, amount > 0 else { return nil }
        return .init(on: units(of: share), off: units(of: max(0, share - Self.hysteresis)))
    }

    /// The least number of units that is this share of the amount, in ten-thousandths.
    private func units(of share: Int) -> Int {
        let product = UInt128(amount.magnitude) * UInt128(share.magnitude)
        return Int(min((product + 9_999) / 10_000, UInt128(Int.largestExact)))
    }
}

extension Limit {
    /// What the limit reserves for a call on a model.
    func cost(of candidate: Candidate, expected: (Candidate) -> Estimate?) -> Int {
        let full = unit.cost(of: candidate.estimate)
        guard unit == .tokens || unit == .usd else { return full }
        switch reserve {
        case .full: return full
        case .expected: return expected(candidate).map { min(full, max(1, unit.cost(of: $0))) } ?? full
        case .none: return 0
        }
    }
}

extension Limit.Unit {
    /// What a limit of this unit counts of an estimate.
    func cost(of estimate: Estimate) -> Int {
        switch self {
        case .requests, .concurrency: 1
        case .tokens: min(max(0, estimate.tokens), .largestExact)
        case .usd: min(max(0, estimate.cost.micros), .largestExact)
        }
    }
}
