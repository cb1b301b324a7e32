import CoreMetrics
import NIOCore
import Synchronization
import WeirCore
import WeirEnforcer
import WeirTelemetry

/// What a node counts. Labels are names of the policy and of fixed lists, never what a client sent.
final class GatewayMetrics: Sendable {
    /// How an exchange ended.
    enum Outcome: Sendable, CustomStringConvertible {
        case denied(Denial.Reason)
        case forwarded(UsageEvent.Outcome)
        /// The decision API answered what was asked.
        case decided
        /// Before anything was decided.
        case clientGone

        var description: String {
            switch self {
            case .denied(let reason): "denied_" + reason.rawValue
            case .forwarded(let outcome): outcome.rawValue
            case .decided: "decided"
            case .clientGone: "client_gone_early"
            }
        }
    }

    let registry: MetricsRegistry
    private let inFlightCount = Atomic(0)
    private let heldCount = Atomic(0)
    private let early: CoreMetrics.Counter
    private let decided: CoreMetrics.Counter
    private let unpriced: CoreMetrics.Counter
    private let decisionTime: Timer

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        early = registry.counter(MetricCatalogue.abandoned)
        decided = registry.counter(MetricCatalogue.apiRequests)
        unpriced = registry.counter(MetricCatalogue.unpricedCalls)
        decisionTime = registry.timer(MetricCatalogue.decisionSeconds)
    }

    func begin() { inFlightCount.add(1, ordering: .relaxed) }

    func end(_ outcome: Outcome, of counts: ProductCounts) {
        inFlightCount.subtract(1, ordering: .releasing)
        switch outcome {
        case .denied(let reason): counts.denied(reason).increment()
        case .forwarded(let outcome): counts.ended(outcome).increment()
        case .decided: decided.increment()
        case .clientGone: early.increment()
        }
    }

    func decided(after time: TimeAmount) { decisionTime.recordNanoseconds(time.nanoseconds) }

    /// A call that is to be forwarded holds its reservation from now on, until ``letGo()``.
    func hold(isModelKnown: Bool) {
        heldCount.add(1, ordering: .relaxed)
        if !isModelKnown { unpriced.increment() }
    }

    func letGo() { heldCount.subtract(1, ordering: .relaxed) }

    /// Exchanges that are not over: not answered, or not charged yet.
    var inFlight: Int { inFlightCount.load(ordering: .acquiring) }

    /// The text format of Prometheus, with what the engine says of itself now.
    func text(connections: Int, admission: any Admission) -> String {
        registry.set(MetricCatalogue.inFlight, inFlight)
        registry.set(MetricCatalogue.connections, connections)
        registry.set(MetricCatalogue.reservations, heldCount.load(ordering: .relaxed))
        registry.set(MetricCatalogue.unsettled, admission.unsettledCount)
        registry.set(MetricCatalogue.ready, admission.unreadyReason == nil ? 1 : 0)
        admission.outageStandings.show(on: registry)
        admission.outboxStatus?.show(on: registry, nowMs: admission.nowMs)
        admission.showStore(on: registry)
        return registry.exposition()
    }
}

/// The counters of one product's requests, made when they are first needed and kept by one event loop.
final class ProductCounts {
    let callClass: String
    private let product: String
    private let registry: MetricsRegistry
    private var ends: [UsageEvent.Outcome: CoreMetrics.Counter] = [:]
    private var denials: [Denial.Reason: CoreMetrics.Counter] = [:]
    private let admitted: CoreMetrics.Counter
    private lazy var blind = decision("admitted", "blind")

    init(product: String, callClass: String, registry: MetricsRegistry) {
        (self.product, self.callClass, self.registry) = (product, callClass, registry)
        admitted = registry.counter(MetricCatalogue.decisions, [product, callClass, "admitted", "none"])
    }

    func countAdmitted(isBlind: Bool) { (isBlind ? blind : admitted).increment() }

    func denied(_ reason: Denial.Reason) -> CoreMetrics.Counter {
        if let counter = denials[reason] { return counter }
        let counter = decision("denied", reason.rawValue)
        denials[reason] = counter
        return counter
    }

    func ended(_ outcome: UsageEvent.Outcome) -> CoreMetrics.Counter {
        if let counter = ends[outcome] { return counter }
        let counter = registry.counter(MetricCatalogue.calls, [product, callClass, outcome.rawValue])
        ends[outcome] = counter
        return counter
    }

    private func decision(_ outcome: String, _ reason: String) -> CoreMetrics.Counter {
        registry.counter(MetricCatalogue.decisions, [product, callClass, outcome, reason])
    }
}

/// One event loop's counters by product: found without a lock.
struct LoopCounts {
    /// The label of requests whose product is not known: no key, no route.
    static let none = "none"
    /// Names of policies that came and went; beyond, all are looked up anew.
    private static let mostProducts = 256

    private var products: [String: ProductCounts] = [:]

    /// - Parameter product: a name of the policy; nil: not known.
    /// - Parameter callClass: asked for when the product is met first.
    mutating func of(_ product: String?, _ node: GatewayNode, callClass: String? = nil) -> ProductCounts {
        let name = product ?? Self.none
        if let counts = products[name], callClass == nil || callClass == counts.callClass { return counts }
        if products.count >= Self.mostProducts { products = [:] }
        let counts = ProductCounts(
            product: name, callClass: callClass ?? Self.callClass(of: name, node), registry: node.metrics.registry)
        products[name] = counts
        return counts
    }

    private static func callClass(of product: String, _ node: GatewayNode) -> String {
        guard let policy = try? node.admission.policy() else { return none }
        return policy.products[product]?.callClass ?? none
    }
}

extension Outbox.Status {
    /// The age of the oldest row; 0 without one.
    func oldestSeconds(nowMs: Int) -> Int { oldestAtMs.map { max(0, nowMs - $0) / 1000 } ?? 0 }

    func show(on registry: MetricsRegistry, nowMs: Int) {
        registry.set(MetricCatalogue.outboxRows, rows)
        registry.set(MetricCatalogue.outboxBytes, bytes)
        registry.set(MetricCatalogue.outboxLimit, limitBytes)
        registry.set(MetricCatalogue.outboxOldest, oldestSeconds(nowMs: nowMs))
        registry.set(MetricCatalogue.outboxFailing, problem == nil ? 0 : 1)
    }
}

extension [OutageStanding] {
    /// Labels are the products of the policy that have an outage policy of their own, and `*` for all others.
    func show(on registry: MetricsRegistry) {
        registry.set(
            MetricCatalogue.outageState,
            flatMap { standing in
                OutageStanding.states.map { ([standing.product, $0], standing.state == $0 ? 1 : 0) }
            })
        func set(_ family: MetricFamily, _ value: (OutageStanding) -> Int) {
            registry.set(family, map { ([$0.product], value($0)) })
        }
        set(MetricCatalogue.blindCalls) { $0.calls }
        set(MetricCatalogue.blindSpend) { $0.spent.micros }
        set(MetricCatalogue.blindAllowance) { $0.remaining.micros }
        set(MetricCatalogue.blindOpen) { $0.remainingMs / 1000 }
    }
}
