import CoreMetrics
import WeirLedger
import WeirTelemetry

/// What an aggregator counts of its work.
struct AggregatorMetrics: Sendable {
    let registry: MetricsRegistry
    private let events: [String: CoreMetrics.Counter]
    private let unpriced: CoreMetrics.Counter
    private let orphans: CoreMetrics.Counter
    private let attempts: [AlertRecord.State: CoreMetrics.Counter]

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        events = Dictionary(
            uniqueKeysWithValues: ["inserted", "replaced", "duplicate", "dead_letter", "lost"].map {
                ($0, registry.counter(MetricCatalogue.events, [$0]))
            })
        unpriced = registry.counter(MetricCatalogue.unpricedEvents)
        orphans = registry.counter(MetricCatalogue.orphans)
        attempts = [
            .sent: registry.counter(MetricCatalogue.alerts, ["sent"]),
            .pending: registry.counter(MetricCatalogue.alerts, ["failed"]),
            .dead: registry.counter(MetricCatalogue.alerts, ["dead"]),
        ]
    }

    func ingested(_ report: Ingester.Report) {
        let counts = [
            "inserted": report.ledger.inserted, "replaced": report.ledger.replaced,
            "duplicate": report.ledger.duplicates, "dead_letter": report.ledger.deadLetters, "lost": report.lost,
        ]
        for (result, count) in counts where count > 0 { events[result]?.increment(by: count) }
        if report.unpricedEvents > 0 { unpriced.increment(by: report.unpricedEvents) }
    }

    func reaped(_ count: Int) { if count > 0 { orphans.increment(by: count) } }

    /// - Parameter state: what the attempt left the alert in.
    func attempted(_ state: AlertRecord.State) { attempts[state]?.increment() }
}
