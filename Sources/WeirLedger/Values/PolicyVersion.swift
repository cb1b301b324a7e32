import WeirCore

/// A policy as it was applied.
package struct PolicyVersion: Sendable, Hashable {
    /// With its version.
    package var policy: Policy
    /// The file as the operator gave it.
    package var yaml: String
    /// What is published: the policy as JSON, fields in alphabetical order.
    package var json: String
    /// Milliseconds since 1970.
    package var appliedAtMs: Int
    package var actor: String
    package var note: String

    package var version: Int { policy.version }
}

/// An amount that differs from policy, for one subject of one limit.
package struct Override: Sendable, Hashable {
    package var limit: Limit.ID
    /// ``Subject/text``: `team:acme`, `user:acme/alice`.
    package var subject: String
    /// In the limit's unit; 0: unlimited.
    package var amount: Int

    package init(limit: Limit.ID, subject: String, amount: Int) {
        self.limit = limit
        self.subject = subject
        self.amount = amount
    }
}
