import WeirCore
import WeirRedis

/// A part of a plan as the script is told it, and what the script's answer means for it.
extension LimitPlan.Part {
    func scriptEntries(candidates: [Candidate]) -> [AdmitScript.Entry] {
        steps.map { step in
            let limit = step.limit
            var least: Int?
            if limit.clamp, step.amount > 0, let shortest = candidates.last?.least {
                least = limit.unit.cost(of: shortest)
            }
            return AdmitScript.Entry(
                counter: step.counter, cost: step.cost, amount: step.amount, denies: limit.enforce == .reserve,
                deniesWhenFull: limit.reserve == .none && limit.unit.cost(of: candidates[0].estimate) > 0,
                downgrade: lower.isEmpty || !step.mayGiveWay ? nil : step.downgrade, least: least)
        }
    }

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

    /// - Parameter chosen: as the script answered, where it had a choice.
    func holds(_ chosen: AdmitScript.Chosen?, _ remaining: [Int?], nowMs: Int) -> [Reservation.Hold] {
        let costs = costs(of: chosen?.rung ?? 0)
        return steps.indices.map { index in
            let counted = steps[index].counted
            var resetsInMs = 0
            switch counted.counter.counter {
            case .log(let windowMs), .ring(let windowMs): resetsInMs = windowMs
            case .budget: resetsInMs = max(0, counted.counter.span - nowMs)
            case .inFlight: break
            }
            return Reservation.Hold(
                limit: counted.limit.id, subject: counted.subjectText, unit: counted.limit.unit,
                key: counted.counter.key, counter: counted.counter.counter,
                held: chosen?.held[index] ?? costs[index] ?? 0, amount: counted.amount, source: counted.source,
                remaining: remaining[index] ?? .max, resetsInMs: resetsInMs, isCharged: costs[index] != nil,
                isShadow: counted.limit.enforce == .shadow)
        }
    }
}

extension Reservation.Bound {
    /// What keeps within both.
    func tightened(by other: Self?) -> Self {
        guard let other else { return self }
        var both = self
        if let tokens = other.tokens { both.tokens = min(both.tokens ?? tokens, tokens) }
        if let cost = other.cost { both.cost = min(both.cost ?? cost, cost) }
        return both
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
