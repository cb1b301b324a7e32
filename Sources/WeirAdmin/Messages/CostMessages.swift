import WeirCore
import WeirLedger

/// What was spent lately, by whom and on what, and how near that is to the thresholds.
package struct CostsAnswer: Codable, Sendable {
    /// UTC days, both included; the last is today.
    package var from: String
    package var to: String
    package var days: Int
    package var today: CostLine
    /// Each day, in order; also those without a call.
    package var dailyTotals: [CostLine]
    /// Of all these days, dearest first.
    package var topTeams: [CostLine]
    package var topUsers: [CostLine]
    package var topProducts: [CostLine]
    package var topEndpoints: [CostLine]
    package var topModels: [CostLine]
    /// What stands there, also what has ended.
    package var killSwitch: [KillSwitchState]
    /// Nil: the policy has none.
    package var thresholds: CostThresholds?

    enum CodingKeys: String, CodingKey {
        case from, to, days, today, thresholds
        case dailyTotals = "daily_totals"
        case topTeams = "top_teams"
        case topUsers = "top_users"
        case topProducts = "top_products"
        case topEndpoints = "top_endpoints"
        case topModels = "top_models"
        case killSwitch = "kill_switch"
    }
}

/// Calls and money of a day, a team, a user, …
package struct CostLine: Codable, Sendable, Equatable {
    package var name: String
    package var calls: Int
    package var errors: Int
    /// Of all kinds.
    package var tokens: Int
    package var costMicros: Int
    package var costUSD: String

    init(_ name: String, _ totals: UsageTotals) {
        self.name = name
        calls = totals.calls
        errors = totals.errors
        tokens = totals.tokens.total
        costMicros = totals.cost.micros
        costUSD = totals.cost.description
    }

    enum CodingKeys: String, CodingKey {
        case name, calls, errors, tokens
        case costMicros = "cost_micros"
        case costUSD = "cost_usd"
    }
}

/// Where the cost guard warns and where it throws the switch, and what is spent of it.
package struct CostThresholds: Codable, Sendable, Equatable {
    /// `day`, `week` or `month`, and which: `2026-11-21`.
    package var period: String
    package var periodID: String
    package var spentMicros: Int
    package var spentUSD: String
    package var warnMicros: Int?
    package var warnUSD: String?
    package var killMicros: Int?
    package var killUSD: String?

    init(_ spend: GuardedSpend) {
        let guarded = spend.guarded
        period = guarded.period.rawValue
        periodID = spend.period.id
        spentMicros = spend.spent.micros
        spentUSD = spend.spent.description
        warnMicros = guarded.warn?.micros
        warnUSD = guarded.warn?.description
        killMicros = guarded.kill?.micros
        killUSD = guarded.kill?.description
    }

    enum CodingKeys: String, CodingKey {
        case period
        case periodID = "period_id"
        case spentMicros = "spent_micros"
        case spentUSD = "spent_usd"
        case warnMicros = "warn_micros"
        case warnUSD = "warn_usd"
        case killMicros = "kill_micros"
        case killUSD = "kill_usd"
    }
}
