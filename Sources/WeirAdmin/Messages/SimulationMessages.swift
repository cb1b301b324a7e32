import WeirCore
import WeirLedger
import WeirProviders

/// What a proposed policy would have made of the calls of some days.
package struct SimulationAnswer: Codable, Sendable {
    /// UTC days, both included.
    package var from: String
    package var to: String
    /// Replayed, and not reported, are the days from here on: budgets begin with their periods.
    package var replayedFrom: String
    package var team: String?
    package var total: SimulatedUsage
    /// By limit and reason, most calls first.
    package var denials: [SimulatedDenials]
    /// By model, most calls first.
    package var downgrades: [SimulatedDowngrades]
    /// At most ten of each that something would have changed for, by what it changes.
    package var teams: [SimulatedUsage]
    package var users: [SimulatedUsage]
    package var models: [SimulatedUsage]
    /// In order; days without a call are left out.
    package var days: [SimulatedUsage]

    init(_ replay: LedgerReplay, _ tally: SimulationTally) {
        from = replay.days.first.id
        to = replay.days.last.id
        replayedFrom = replay.firstDay.id
        team = replay.team
        total = SimulatedUsage("total", tally.total)
        denials = tally.denials.map(SimulatedDenials.init).sorted {
            ($1.calls, $0.reason, $0.limit ?? "") < ($0.calls, $1.reason, $1.limit ?? "")
        }
        downgrades = tally.moves.map(SimulatedDowngrades.init).sorted {
            ($1.calls, $0.from, $0.to) < ($0.calls, $1.from, $1.to)
        }
        teams = Self.top(tally.teams)
        users = Self.top(tally.users)
        models = Self.top(tally.models)
        days = tally.days.sorted { $0.key.number < $1.key.number }.map { SimulatedUsage($0.key.id, $0.value) }
    }

    private static func top(_ sums: [String: SimulationTally.Sum]) -> [SimulatedUsage] {
        let changed = sums.filter { $0.value.denied + $0.value.downgraded + $0.value.shortened > 0 }
        let sorted = changed.sorted { left, right in
            let (mine, other) = (left.value, right.value)
            return (other.savedMicros.magnitude, other.denied, left.key)
                < (mine.savedMicros.magnitude, mine.denied, right.key)
        }
        return sorted.prefix(10).map { SimulatedUsage($0.key, $0.value) }
    }

    enum CodingKeys: String, CodingKey {
        case from, to, team, total, denials, downgrades, teams, users, models, days
        case replayedFrom = "replayed_from"
    }
}

/// The calls of somebody, as they were and as they would have been.
package struct SimulatedUsage: Codable, Sendable, Equatable {
    package var name: String
    package var calls: Int
    package var denied: Int
    /// Another model would have served them.
    package var downgraded: Int
    /// `clamp` would have shortened their answers.
    package var shortened: Int
    package var costMicros: Int
    package var costUSD: String
    package var wouldCostMicros: Int
    package var wouldCostUSD: String
    /// Below zero: it would have cost more.
    package var savedMicros: Int
    package var savedUSD: String

    init(_ name: String, _ sum: SimulationTally.Sum) {
        self.name = name
        calls = sum.calls
        denied = sum.denied
        downgraded = sum.downgraded
        shortened = sum.shortened
        costMicros = sum.cost.micros
        costUSD = sum.cost.description
        wouldCostMicros = sum.wouldCost.micros
        wouldCostUSD = sum.wouldCost.description
        savedMicros = sum.savedMicros
        savedUSD = MicroUSD(micros: sum.savedMicros).description
    }

    enum CodingKeys: String, CodingKey {
        case name, calls, denied, downgraded, shortened
        case costMicros = "cost_micros"
        case costUSD = "cost_usd"
        case wouldCostMicros = "would_cost_micros"
        case wouldCostUSD = "would_cost_usd"
        case savedMicros = "saved_micros"
        case savedUSD = "saved_usd"
    }
}

/// Calls that would have been denied for the same reason.
package struct SimulatedDenials: Codable, Sendable, Equatable {
    package var reason: String
    package var limit: String?
    package var calls: Int
    package var savedUSD: String
    package var firstAt: String
    package var lastAt: String

    init(_ kind: SimulationTally.DenialKind, _ calls: SimulationTally.Occurrence) {
        reason = kind.reason.rawValue
        limit = kind.limit
        self.calls = calls.calls
        savedUSD = MicroUSD(micros: calls.savedMicros).description
        firstAt = rfc3339(ms: calls.firstMs)
        lastAt = rfc3339(ms: calls.lastMs)
    }

    enum CodingKeys: String, CodingKey {
        case reason, limit, calls
        case savedUSD = "saved_usd"
        case firstAt = "first_at"
        case lastAt = "last_at"
    }
}

/// Calls that another model would have served.
package struct SimulatedDowngrades: Codable, Sendable, Equatable {
    package var from: String
    package var to: String
    package var calls: Int
    package var savedUSD: String
    package var firstAt: String
    package var lastAt: String

    init(_ move: SimulationTally.Move, _ calls: SimulationTally.Occurrence) {
        from = move.from
        to = move.to
        self.calls = calls.calls
        savedUSD = MicroUSD(micros: calls.savedMicros).description
        firstAt = rfc3339(ms: calls.firstMs)
        lastAt = rfc3339(ms: calls.lastMs)
    }

    enum CodingKeys: String, CodingKey {
        case from, to, calls
        case savedUSD = "saved_usd"
        case firstAt = "first_at"
        case lastAt = "last_at"
    }
}
