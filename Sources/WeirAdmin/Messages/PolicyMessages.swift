import WeirCore
import WeirLedger

/// A policy as it was applied.
package struct PolicyAnswer: Codable, Sendable {
    package var version: Int
    package var appliedAtMs: Int
    package var actor: String
    package var note: String
    /// The file as it was sent.
    package var yaml: String
    /// What the nodes read.
    package var policy: Policy

    init(_ version: PolicyVersion) {
        self.version = version.version
        appliedAtMs = version.appliedAtMs
        actor = version.actor
        note = version.note
        yaml = version.yaml
        policy = version.policy
    }

    enum CodingKeys: String, CodingKey {
        case version, actor, note, yaml, policy
        case appliedAtMs = "applied_at_ms"
    }
}

/// The policies that were applied, newest first.
package struct PolicyList: Codable, Sendable {
    package var versions: [PolicyLine]
}

package struct PolicyLine: Codable, Sendable {
    package var version: Int
    package var appliedAtMs: Int
    package var actor: String
    package var note: String

    init(_ version: PolicyVersion) {
        self.version = version.version
        appliedAtMs = version.appliedAtMs
        actor = version.actor
        note = version.note
    }

    enum CodingKeys: String, CodingKey {
        case version, actor, note
        case appliedAtMs = "applied_at_ms"
    }
}

/// The answer to a policy that is right.
package struct PolicyChecked: Codable, Sendable {
    package var ok: Bool
    package var products: Int
    package var limits: Int

    init(_ policy: Policy) {
        ok = true
        products = policy.products.count
        limits = policy.limits.count
    }
}
