import WeirCore
import WeirRedis

/// A policy at work on calls that have been made: the same gate and the same plan as for new ones, counters in memory, and
/// the ledger's limits and the cost guard as if the aggregator acted at once. Pure; calls come in order of time.
package struct PolicySimulation: Sendable {
    package enum Outcome: Sendable {
        case admitted(Admission)
        case denied(Denial)
    }

    /// A call that the policy admits, and has not charged yet.
    package struct Admission: Sendable {
        package let call: Call
        /// The model that serves it, by its place among those that were offered.
        package let candidate: Int
        /// What its answer is shortened to; nil: it is not.
        package let bound: Reservation.Bound?
        fileprivate let part: LimitPlan.Part
        /// The place of the model among those of the plan.
        fileprivate let planned: Int
    }

    private let policy: Policy
    /// For callers without a key: they are counted by address, which the ledger does not have.
    private let anonymousPolicy: Policy
    private let overrides: [OverrideName: Int]
    private var counters = SimulatedCounters()
    private var ledger: SimulatedLedger

    /// - Parameter overrides: amounts that differ from policy, for the whole time.
    package init(policy: Policy, overrides: [OverrideName: Int] = [:]) {
        self.policy = policy
        self.overrides = overrides
        var anonymous = policy
        anonymous.limits.removeAll { [.user, .key, .ip].contains($0.per) }
        anonymousPolicy = anonymous
        ledger = SimulatedLedger(policy: policy)
    }

    /// - Parameter candidates: the models that may serve the call, with what it would use on each; at least one.
    /// - Parameter recorded: the place among them of the model that did serve it: no dearer one takes its place.
    /// - Throws: ``EnforcerError/misconfigured(reason:)`` if more limits cover the call than a gateway can check.
    package mutating func decide(
        _ call: Call, candidates: [Candidate], recorded: Int, atMs nowMs: Int
    ) throws(EnforcerError) -> Outcome {
        var open: [Int]
        switch Gate.open(candidates, for: call, in: ledger.snapshot, nowMs: nowMs) {
        case .denied(let denial): return .denied(denial)
        case .open(let indices): open = indices
        }
        var plan = try plan(call, open.map { candidates[$0] }, nowMs: nowMs)
        var first = open.lastIndex { $0 <= recorded } ?? 0
        if first >= plan.candidates.count {
            // No budget hands the call down here, so the model that served it is the only one.
            open = [open[first]]
            first = 0
            plan = try self.plan(call, open.map { candidates[$0] }, nowMs: nowMs)
        }
        let entries = plan.home.scriptEntries(candidates: plan.candidates)
        let costs = plan.candidates.indices.map(plan.home.costs)
        switch counters.decide(entries, costs: costs, first: first, nowMs: nowMs) {
        case .denied(let index, let used, let waitMs):
            return .denied(
                Denial(step: plan.home.steps[index], used: used, reserved: 0, retryAfterMs: waitMs, nowMs: nowMs))
        case .admitted(let rung, let held):
            return .admitted(
                Admission(
                    call: call.served(by: plan.candidates[rung]), candidate: open[rung],
                    bound: plan.home.bound(of: .init(rung: rung, held: held)), part: plan.home, planned: rung))
        }
    }

    /// In memory all counters are in one place.
    private func plan(_ call: Call, _ offered: [Candidate], nowMs: Int) throws(EnforcerError) -> LimitPlan {
        let covering = CoveringLimits(
            policy: call.isAnonymous ? anonymousPolicy : policy, call: call, candidates: offered)
        var amounts: [Int: Int] = [:]
        if !overrides.isEmpty {
            for (place, name) in covering.names.enumerated() { amounts[place] = overrides[name] }
        }
        return try LimitPlan(
            covering, overrides: amounts, call: call, candidates: offered, home: Shard(number: 0), shardCount: 1,
            nowMs: nowMs)
    }

    /// Charges what the call used, from its admission on.
    /// - Parameter endMs: until when it counted as one of the calls at once.
    package mutating func charge(_ admission: Admission, tokens: Int, cost: MicroUSD, atMs nowMs: Int, endMs: Int) {
        let used = Estimate(tokens: tokens, cost: cost, observed: .zero, observedCost: .zero)
        for (step, planned) in zip(admission.part.steps, admission.part.costs(of: admission.planned))
        where planned != nil {
            counters.charge(step.counter, units: step.limit.unit.cost(of: used), nowMs: nowMs, endMs: endMs)
        }
        ledger.charge(admission.call, used, overrides: overrides, nowMs: nowMs)
    }
}
