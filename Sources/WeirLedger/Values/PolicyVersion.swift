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
