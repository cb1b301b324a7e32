import WeirCore
import WeirEnforcer

/// How a node stands while Redis is away, for `/readyz` and `/metrics`.
enum OutageText {
    /// Nil while Redis decides.
    static func mode(_ standings: [OutageStanding]) -> String? {
        let away = standings.filter { $0.state != "up" }
        if away.isEmpty { return nil }
        return away.map { "\($0.product) \($0.state)" }.joined(separator: ", ")
    }

    /// In the text format of Prometheus. Labels are the products of the policy that have an outage policy of their own,
    /// and `*` for all others.
    static func metrics(_ standings: [OutageStanding]) -> String {
        var text = "# HELP weir_gateway_outage_state 1 for the state the node is in under an outage policy.\n"
        text += "# TYPE weir_gateway_outage_state gauge\n"
        for standing in standings {
            for state in OutageStanding.states {
                text += "weir_gateway_outage_state{product=\"\(standing.product)\",state=\"\(state)\"} "
                text += "\(standing.state == state ? 1 : 0)\n"
            }
        }
        func add(_ name: String, _ type: String, _ help: String, _ value: (OutageStanding) -> Int) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for standing in standings { text += "\(name){product=\"\(standing.product)\"} \(value(standing))\n" }
        }
        add("weir_gateway_blind_calls_total", "counter", "Calls admitted without an answer of Redis.") { $0.calls }
        add("weir_gateway_blind_spend_micros_total", "counter", "Micro-dollars that they cost, once they have ended.") {
            $0.spent.micros
        }
        add("weir_gateway_blind_allowance_micros", "gauge", "Micro-dollars that may still be spent without Redis.") {
            $0.remaining.micros
        }
        add("weir_gateway_blind_open_ms", "gauge", "Milliseconds for which calls may still be admitted without it.") {
            $0.remainingMs
        }
        return text
    }
}
