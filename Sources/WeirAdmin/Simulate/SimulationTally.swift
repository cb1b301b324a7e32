import WeirCore

/// The sums of a replay.
struct SimulationTally {
    struct Sum: Equatable {
        var calls = 0
        var denied = 0
        var downgraded = 0
        var shortened = 0
        var cost = MicroUSD.zero
        var wouldCost = MicroUSD.zero

        /// Below zero: it would have cost more.
        var savedMicros: Int { cost.micros - wouldCost.micros }

        mutating func add(_ event: UsageEvent, _ step: PolicyReplay.Step) {
            calls += 1
            cost = cost + event.cost
            wouldCost = wouldCost + step.cost
            switch step.outcome {
            case .kept: break
            case .moved: downgraded += 1
            case .shortened: shortened += 1
            case .denied: denied += 1
            }
        }
    }

    /// What happened to some calls, and when first and last.
    struct Occurrence: Equatable {
        var calls = 0
        var savedMicros = 0
        var firstMs = Int.max
        var lastMs = Int.min

        mutating func add(_ event: UsageEvent, _ step: PolicyReplay.Step) {
            calls += 1
            savedMicros = savedMicros.addingSaturated(event.cost.micros - step.cost.micros)
            firstMs = min(firstMs, event.calledAtMs)
            lastMs = max(lastMs, event.calledAtMs)
        }
    }

    struct DenialKind: Hashable {
        let reason: Denial.Reason
        let limit: Limit.ID?
    }

    struct Move: Hashable {
        let from: String
        let to: String
    }

    private(set) var total = Sum()
    private(set) var denials: [DenialKind: Occurrence] = [:]
    private(set) var moves: [Move: Occurrence] = [:]
    private(set) var teams: [String: Sum] = [:]
    /// `acme/alice`, as everywhere in the ledger.
    private(set) var users: [String: Sum] = [:]
    /// As they served.
    private(set) var models: [String: Sum] = [:]
    private(set) var days: [UTCDay: Sum] = [:]

    mutating func add(_ event: UsageEvent, _ step: PolicyReplay.Step) {
        total.add(event, step)
        teams[event.team, default: Sum()].add(event, step)
        users["\(event.team)/\(event.user ?? "")", default: Sum()].add(event, step)
        models[event.model, default: Sum()].add(event, step)
        days[UTCDay(containingMs: event.calledAtMs), default: Sum()].add(event, step)
        switch step.outcome {
        case .kept, .shortened: break
        case .moved(let model):
            moves[Move(from: event.model, to: model), default: Occurrence()].add(event, step)
        case .denied(let denial):
            denials[DenialKind(reason: denial.reason, limit: denial.limit), default: Occurrence()].add(event, step)
        }
    }
}
