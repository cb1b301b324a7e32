import WeirCore

/// An amount that differs from policy, for one subject of one limit.
package struct Override: Sendable, Hashable {
    package var limit: Limit.ID
    /// ``Subject/text``: `team:acme`, `user:acme/alice`.
    package var subject: String
    /// In the limit's unit; 0: unlimited.
    package var amount: Int
    /// From then on policy holds again, milliseconds since 1970; nil: never.
    package var untilMs: Int?
    package var reason: String?
    /// Who set it, and when.
    package var actor: String
    package var createdAtMs: Int

    package init(
        limit: Limit.ID, subject: String, amount: Int, untilMs: Int? = nil, reason: String? = nil, actor: String = "",
        createdAtMs: Int = 0
    ) {
        self.limit = limit
        self.subject = subject
        self.amount = amount
        self.untilMs = untilMs
        self.reason = reason
        self.actor = actor
        self.createdAtMs = createdAtMs
    }

    package func isInForce(atMs nowMs: Int) -> Bool { untilMs.map { $0 > nowMs } ?? true }
}
