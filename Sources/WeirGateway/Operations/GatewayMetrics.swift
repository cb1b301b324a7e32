import Synchronization
import WeirCore

/// What a node counts, for Prometheus. Labels come from fixed lists, never from requests.
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

    private final class Count: Sendable {
        let value = Atomic(0)
    }

    private let inFlightCount = Atomic(0)
    private let earlyCount = Atomic(0)
    private let decidedCount = Atomic(0)
    private let denials: [Denial.Reason: Count]
    private let calls: [UsageEvent.Outcome: Count]

    init() {
        denials = Dictionary(uniqueKeysWithValues: Denial.Reason.allCases.map { ($0, Count()) })
        calls = Dictionary(uniqueKeysWithValues: UsageEvent.Outcome.allCases.map { ($0, Count()) })
    }

    func begin() { inFlightCount.add(1, ordering: .relaxed) }

    func end(_ outcome: Outcome) {
        inFlightCount.subtract(1, ordering: .releasing)
        switch outcome {
        case .denied(let reason): denials[reason]?.value.add(1, ordering: .relaxed)
        case .forwarded(let outcome): calls[outcome]?.value.add(1, ordering: .relaxed)
        case .decided: decidedCount.add(1, ordering: .relaxed)
        case .clientGone: earlyCount.add(1, ordering: .relaxed)
        }
    }

    /// Exchanges that are not over: not answered, or not charged yet.
    var inFlight: Int { inFlightCount.load(ordering: .acquiring) }

    /// The text format of Prometheus, version 0.0.4.
    func text(connections: Int) -> String {
        var text = "# HELP weir_gateway_calls_total Calls that were admitted, by how they ended.\n"
        text += "# TYPE weir_gateway_calls_total counter\n"
        for outcome in UsageEvent.Outcome.allCases {
            let count = calls[outcome]?.value.load(ordering: .relaxed) ?? 0
            text += "weir_gateway_calls_total{outcome=\"\(outcome.rawValue)\"} \(count)\n"
        }
        text += "# HELP weir_gateway_denials_total Requests that were denied, by reason.\n"
        text += "# TYPE weir_gateway_denials_total counter\n"
        for reason in Denial.Reason.allCases {
            let count = denials[reason]?.value.load(ordering: .relaxed) ?? 0
            text += "weir_gateway_denials_total{reason=\"\(reason.rawValue)\"} \(count)\n"
        }
        text += "# HELP weir_gateway_decisions_total Requests of the decision API that were not denied.\n"
        text += "# TYPE weir_gateway_decisions_total counter\n"
        text += "weir_gateway_decisions_total \(decidedCount.load(ordering: .relaxed))\n"
        text += "# HELP weir_gateway_abandoned_total Requests whose client left before a decision.\n"
        text += "# TYPE weir_gateway_abandoned_total counter\n"
        text += "weir_gateway_abandoned_total \(earlyCount.load(ordering: .relaxed))\n"
        text += "# HELP weir_gateway_in_flight Exchanges that are not over.\n"
        text += "# TYPE weir_gateway_in_flight gauge\nweir_gateway_in_flight \(inFlight)\n"
        text += "# HELP weir_gateway_connections Connections of clients.\n"
        text += "# TYPE weir_gateway_connections gauge\nweir_gateway_connections \(connections)\n"
        return text
    }
}
