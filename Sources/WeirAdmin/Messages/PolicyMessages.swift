import WeirCore
import WeirLedger
import WeirProviders

/// A policy as it was applied.
package struct PolicyAnswer: Codable, Sendable {
    package var version: Int
    package var appliedAt: String
    package var appliedAtMs: Int
    package var actor: String
    package var note: String
    /// The file as it was sent.
    package var yaml: String
    /// What the nodes read.
    package var policy: Policy

    init(_ version: PolicyVersion) {
        self.version = version.version
        appliedAt = rfc3339(ms: version.appliedAtMs)
        appliedAtMs = version.appliedAtMs
        actor = version.actor
        note = version.note
        yaml = version.yaml
        policy = version.policy
    }

    enum CodingKeys: String, CodingKey {
        case version, actor, note, yaml, policy
        case appliedAt = "applied_at"
        case appliedAtMs = "applied_at_ms"
    }
}

/// The policies that were applied, newest first.
package struct PolicyList: AdminList {
    package var versions: [PolicyLine]
    package var nextCursor: String?

    package var items: [PolicyLine] {
        get { versions }
        set { versions = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case versions
        case nextCursor = "next_cursor"
    }
}

package struct PolicyLine: Codable, Sendable {
    package var version: Int
    package var appliedAt: String
    package var appliedAtMs: Int
    package var actor: String
    package var note: String

    init(_ version: PolicyVersion) {
        self.version = version.version
        appliedAt = rfc3339(ms: version.appliedAtMs)
        appliedAtMs = version.appliedAtMs
        actor = version.actor
        note = version.note
    }

    enum CodingKeys: String, CodingKey {
        case version, actor, note
        case appliedAt = "applied_at"
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

/// What changes from one version of the policy to another.
package struct PolicyDiffAnswer: Codable, Sendable {
    package var from: Int
    package var to: Int
    package var changes: [Change]

    package struct Change: Codable, Sendable {
        /// `added`, `removed` or `changed`.
        package var kind: String
        /// `product`, `class`, `limit`, or a setting such as `ladder`.
        package var item: String
        /// Nil for a setting.
        package var name: String?
        package var fields: [Field]
    }

    package struct Field: Codable, Sendable {
        package var name: String
        package var old: String?
        package var new: String?
    }

    init(from: Int, to: Int, _ diff: PolicyDiff) {
        self.from = from
        self.to = to
        changes = diff.changes.map { change in
            Change(
                kind: change.kind.rawValue, item: change.item, name: change.name,
                fields: change.fields.map { Field(name: $0.name, old: $0.old, new: $0.new) })
        }
    }
}
