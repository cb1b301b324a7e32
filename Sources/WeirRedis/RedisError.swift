/// Why a command has no reply. Each case says what the caller may assume.
package enum RedisError: Error, Sendable, Equatable {
    /// No reply before the deadline. The command may have run: repeat it with the same id.
    case timedOut
    /// No connection, the breaker is open, or too many commands wait. The command was not sent.
    case unavailable(reason: String)
    /// The connection ended after the command left. It may have run: repeat it with the same id.
    case disconnected(reason: String)
    /// The server cannot serve now (LOADING, BUSY, MASTERDOWN, CLUSTERDOWN, TRYAGAIN): transport-like, nothing was run.
    case serverBusy(String)
    /// The server refused the write (OOM, MISCONF, READONLY, NOREPLICAS): nothing was run.
    case writeRefused(String)
    /// Wrong credentials, missing permission, wrong layout (NOAUTH, WRONGPASS, NOPERM, CROSSSLOT, MOVED, max clients). A matter for the operator; never fail open on it.
    case configuration(String)
    /// Any other error reply (WRONGTYPE, a script error): ours to mend.
    case server(String)
    /// Bytes that are not RESP, or a reply nobody asked for. The connection was closed; the command may have run.
    case protocolViolation(String)
    /// The task was cancelled while it waited. The command may run.
    case cancelled
}
