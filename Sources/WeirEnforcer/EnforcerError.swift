/// Why there is no decision. None of them may let a call through.
public enum EnforcerError: Error, Sendable, Equatable {
    /// Redis gave no answer, or the shard is not ready. Nothing is charged: what might be held has been given back
    /// or will fall to the reaper.
    case degraded(reason: String)
    /// A matter for the operator: credentials, permissions, layout, a script that failed. Fail closed and raise an alarm.
    case misconfigured(reason: String)
}
