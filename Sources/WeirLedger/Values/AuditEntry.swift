/// One act of an operator, or of the aggregator by itself: who did what to whom, and why.
package struct AuditEntry: Sendable, Hashable {
    /// Milliseconds since 1970.
    package var atMs: Int
    /// An operator's name, or `aggregator`.
    package var actor: String
    /// The id of the admin token that proved it; nil: the environment's token, or none was asked for.
    package var token: String?
    /// Where it came from: an address, or `local`.
    package var from: String
    /// `key.create`, `policy.apply`, `kill-switch.on`, …
    package var action: String
    /// What it was done to: a key's id, a team, a limit.
    package var subject: String
    /// What stood before and after, as text.
    package var before: String?
    package var after: String?
    package var reason: String?

    package init(
        atMs: Int, actor: String, token: String? = nil, from: String = "local", action: String, subject: String,
        before: String? = nil, after: String? = nil, reason: String? = nil
    ) {
        self.atMs = atMs
        self.actor = actor
        self.token = token
        self.from = from
        self.action = action
        self.subject = subject
        self.before = before
        self.after = after
        self.reason = reason
    }
}
