/// Why there is no decision. None of them may let a call through.
public enum EnforcerError: Error, Sendable, Equatable {
    /// Redis gave no answer, or the shard is not ready: what an outage policy is for. Nothing is charged: what might be
    /// held has been given back or will fall to the reaper.
    case outage(reason: String)
    /// There is no decision for another reason that passes: nothing is read yet, too much waits, the allowance of an
    /// outage is used up. Nothing is charged.
    case degraded(reason: String)
    /// A matter for the operator: credentials, permissions, layout, a script that failed. Fail closed and raise an alarm.
    case misconfigured(reason: String)

    /// Somebody deleted a budget. That concerns one subject and not Redis, so no outage policy opens anything for it.
    static func missingBudget(_ key: String) -> EnforcerError {
        .degraded(reason: "\(key) is missing in Redis; the aggregator makes it anew")
    }

    var isOutage: Bool { if case .outage = self { true } else { false } }

    /// For logs and health pages, not for clients.
    public var reason: String {
        switch self {
        case .outage(let reason), .degraded(let reason), .misconfigured(let reason): reason
        }
    }
}
