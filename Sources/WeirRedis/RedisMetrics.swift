import CoreMetrics
import WeirTelemetry

/// What a process's connections count together.
package struct RedisMetrics: Sendable {
    let roundTrip: Timer?
    private let errors: [String: Counter]
    private let breakersOpen: Meter?
    private let trips: Counter?

    /// Counts nothing.
    package static let none = RedisMetrics()

    private init() {
        roundTrip = nil
        errors = [:]
        breakersOpen = nil
        trips = nil
    }

    package init(_ registry: MetricsRegistry) {
        roundTrip = registry.timer(MetricCatalogue.redisSeconds)
        errors = Dictionary(
            uniqueKeysWithValues: RedisError.kinds.map { ($0, registry.counter(MetricCatalogue.redisErrors, [$0])) })
        breakersOpen = registry.meter(MetricCatalogue.redisBreakers)
        trips = registry.counter(MetricCatalogue.redisTrips)
    }

    func failed(_ error: RedisError) {
        if errors.isEmpty { return }
        // Not an error: the script is sent whole, at once.
        if case .server(let text) = error, text.hasPrefix("NOSCRIPT") { return }
        errors[error.kind]?.increment()
    }

    func breaker(isOpen: Bool) {
        breakersOpen?.increment(by: isOpen ? 1 : -1)
        if isOpen { trips?.increment() }
    }
}

extension RedisPool {
    /// How its connections stand, for `/metrics`.
    package func show(on registry: MetricsRegistry) {
        var counts = ["ready": 0, "connecting": 0, "broken": 0]
        for connection in connections {
            switch connection.state {
            case .ready: counts["ready", default: 0] += 1
            case .connecting: counts["connecting", default: 0] += 1
            case .broken: counts["broken", default: 0] += 1
            }
        }
        registry.set(MetricCatalogue.redisConnections, counts.map { ([$0.key], $0.value) })
    }
}

extension RedisError {
    fileprivate static let kinds = [
        "timed_out", "unavailable", "disconnected", "server_busy", "write_refused", "configuration", "server",
        "protocol_violation", "cancelled",
    ]

    /// As the label `kind` says it.
    fileprivate var kind: String {
        switch self {
        case .timedOut: "timed_out"
        case .unavailable: "unavailable"
        case .disconnected: "disconnected"
        case .serverBusy: "server_busy"
        case .writeRefused: "write_refused"
        case .configuration: "configuration"
        case .server: "server"
        case .protocolViolation: "protocol_violation"
        case .cancelled: "cancelled"
        }
    }
}
