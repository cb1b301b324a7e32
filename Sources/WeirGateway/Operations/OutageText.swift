import WeirCore
import WeirEnforcer

/// How a node stands while Redis is away, for `/readyz`.
enum OutageText {
    /// Nil while Redis decides.
    static func mode(_ standings: [OutageStanding]) -> String? {
        let away = standings.filter { $0.state != "up" }
        if away.isEmpty { return nil }
        return away.map { "\($0.product) \($0.state)" }.joined(separator: ", ")
    }
}
