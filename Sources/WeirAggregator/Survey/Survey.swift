import WeirCore
import WeirLedger
import WeirTelemetry

/// How a deployment stands, read now and then: what metrics show, and what alerts are decided by.
struct Survey: Sendable {
    /// Redis's time, milliseconds since 1970.
    var nowMs: Int
    var policy: Policy?
    /// Events in the streams, and the age of the oldest.
    var waiting = 0
    var oldestMs = 0
    var reservations = 0
    /// By resource: teams that are limited now.
    var limited: [String: Int] = [:]
    /// By kind of scope: how many the switch stops now.
    var thrown: [String: Int] = [:]
    /// Of today.
    var teams: [UsageRow] = []
    var models: [UsageRow] = []
    /// Models with a price of their own.
    var pricedModels: Set<String> = []
    /// Models without one: that the policy names, and that were called lately.
    var unpricedModels: [String] = []
    var calledUnpriced: Set<String> = []
    /// Nil: this process does not lead, and does not look.
    var uses: [LimitUse]?
    /// What the cost guard's period has cost.
    var guarded: MicroUSD?
    /// Of the last ten minutes, as far as this process knows.
    var orphans = 0
    var events = 0
    var alerts: [AlertRecord.State: Int] = [:]

    static let scopes = ["global", "class", "product", "team", "model"]
    private static let mostTeams = 20
    private static let mostModels = 30

    func show(on registry: MetricsRegistry) {
        registry.set(MetricCatalogue.ingestWaiting, waiting)
        registry.set(MetricCatalogue.ingestOldest, oldestMs / 1000)
        registry.set(MetricCatalogue.heldReservations, reservations)
        registry.set(MetricCatalogue.limitedTeams, limited.map { ([$0.key], $0.value) })
        registry.set(MetricCatalogue.killSwitch, Self.scopes.map { ([$0], thrown[$0] ?? 0) })
        registry.set(MetricCatalogue.spendByTeam, TopLabels.most(Self.mostTeams, of: Self.costs(teams)))
        registry.set(
            MetricCatalogue.spendByModel,
            // A client may name any model; only those that have a price are worth a series.
            TopLabels.most(Self.mostModels, of: Self.costs(models), isNamed: pricedModels.contains))
        registry.set(MetricCatalogue.unpricedModels, unpricedModels.count)
        registry.set(
            MetricCatalogue.pendingAlerts,
            [AlertRecord.State.pending, .dead].map { ([$0.rawValue], alerts[$0] ?? 0) })
        // Who no longer leads says nothing of this, instead of something old.
        var excess: [String: Int] = [:]
        if let uses, let policy {
            for limit in policy.limits where limit.unit == .usd { excess[limit.id] = 0 }
            for use in uses where use.unit == .usd {
                excess[use.limit] = (excess[use.limit] ?? 0).addingSaturated(use.excess)
            }
        }
        registry.set(MetricCatalogue.overshoot, excess.map { ([$0.key], $0.value) })
    }

    private static func costs(_ rows: [UsageRow]) -> [(name: String, value: Int)] {
        rows.map { ($0.name, $0.totals.cost.micros) }
    }
}
