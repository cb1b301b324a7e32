import WeirCore
import WeirLedger

/// What the top of the overview says, and what is sent to whoever looks at it. Each half is missing when its store gives no
/// answer: the page then says so, and shows the rest.
struct LiveFacts: Sendable {
    /// Milliseconds since 1970.
    var nowMs: Int
    var ledger: LedgerFacts?
    var redis: RedisFacts?
    /// Of ledger and Redis, if they gave no answer.
    var problems: [String] = []
    var minutes: [MinuteCounts.Minute] = []
    /// Since when minutes are counted.
    var countedSinceMs: Int?
    /// Why this aggregator is not at work; nil: it is.
    var unreadyReason: String?

    struct LedgerFacts: Sendable {
        var today: UsageTotals
        var guarded: GuardedSpend?
    }

    struct RedisFacts: Sendable {
        var status: StatusAnswer
        /// Those that are thrown now.
        var killSwitch: [KillSwitchState]
        /// Teams in a limited set, each counted once per resource.
        var limited: Int
        var gateways: [GatewayPresence]
    }
}
