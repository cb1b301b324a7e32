import WeirCore
import WeirLedger
import WeirProviders

/// What to make an API key for.
package struct KeyRequest: Codable, Sendable, StrictMessage {
    package var team: String
    package var user: String?
    package var groups: [String]?
    /// Names or aliases; the first is the key's default. None: all.
    package var products: [String]?
    package var models: [String]?
    /// Milliseconds since 1970; or as text, RFC 3339.
    package var expiresAtMs: Int?
    package var expiresAt: String?

    package init(
        team: String, user: String? = nil, groups: [String]? = nil, products: [String]? = nil,
        models: [String]? = nil, expiresAtMs: Int? = nil, expiresAt: String? = nil
    ) {
        self.expiresAt = expiresAt
        self.team = team
        self.user = user
        self.groups = groups
        self.products = products
        self.models = models
        self.expiresAtMs = expiresAtMs
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case team, user, groups, products, models
        case expiresAtMs = "expires_at_ms"
        case expiresAt = "expires_at"
    }
}

/// A key as it may be shown: everything but the key.
package struct KeyDescription: Codable, Sendable, Equatable {
    package var id: String
    package var team: String
    package var user: String?
    package var groups: [String]
    package var products: [String]
    package var models: [String]
    /// `active` or `revoked`.
    package var status: String
    package var createdAt: String
    package var createdAtMs: Int
    package var expiresAt: String?
    package var expiresAtMs: Int?
    package var revokedAt: String?
    package var revokedAtMs: Int?

    init(_ key: LedgerKey) {
        id = key.record.id
        team = key.record.team
        user = key.record.user
        groups = key.record.groups
        products = key.record.products
        models = key.record.models
        status = key.record.isActive ? "active" : "revoked"
        createdAt = rfc3339(ms: key.createdAtMs)
        createdAtMs = key.createdAtMs
        expiresAt = key.record.expiresAtMs.map(rfc3339)
        expiresAtMs = key.record.expiresAtMs
        revokedAt = key.revokedAtMs.map(rfc3339)
        revokedAtMs = key.revokedAtMs
    }

    enum CodingKeys: String, CodingKey {
        case id, team, user, groups, products, models, status
        case createdAt = "created_at"
        case createdAtMs = "created_at_ms"
        case expiresAt = "expires_at"
        case expiresAtMs = "expires_at_ms"
        case revokedAt = "revoked_at"
        case revokedAtMs = "revoked_at_ms"
    }
}

/// The answer to a key's making: the only one that holds its text.
package struct CreatedKey: Codable, Sendable, Equatable {
    package var key: String
    package var description: KeyDescription
}

/// How long the old key goes on beside the new one.
package struct RotateRequest: Codable, Sendable, StrictMessage {
    package var overlapSeconds: Int

    package init(overlapSeconds: Int) { self.overlapSeconds = overlapSeconds }

    package static let fields = CodingKeys.allCases.map(\.rawValue)
    package static let longestOverlapSeconds = 90 * 86_400

    enum CodingKeys: String, CodingKey, CaseIterable { case overlapSeconds = "overlap_seconds" }
}

/// The answer to a rotation: the new key with its text, and the old one with its end.
package struct RotatedKey: Codable, Sendable, Equatable {
    package var key: String
    package var description: KeyDescription
    package var replaced: KeyDescription
}

package struct KeyList: AdminList {
    package var keys: [KeyDescription]
    package var nextCursor: String?

    package var items: [KeyDescription] {
        get { keys }
        set { keys = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case keys
        case nextCursor = "next_cursor"
    }
}
