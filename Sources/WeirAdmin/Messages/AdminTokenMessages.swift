import WeirCore
import WeirLedger
import WeirProviders

/// For whom to make an admin token.
package struct AdminTokenRequest: Codable, Sendable, StrictMessage {
    /// Who acts with it, for the audit.
    package var name: String
    /// `viewer`, `operator` or `admin`.
    package var role: String
    /// RFC 3339; nil: it never ends by itself.
    package var expiresAt: String?

    package init(name: String, role: String, expiresAt: String? = nil) {
        self.name = name
        self.role = role
        self.expiresAt = expiresAt
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, role
        case expiresAt = "expires_at"
    }
}

/// An admin token as it may be shown: everything but the token.
package struct AdminTokenDescription: Codable, Sendable, Equatable {
    package var id: String
    package var name: String
    package var role: String
    /// `active`, `revoked` or `ended`.
    package var status: String
    package var createdAt: String
    package var expiresAt: String?
    package var revokedAt: String?
    /// To the minute.
    package var lastUsedAt: String?

    package init(_ token: LedgerAdminToken, nowMs: Int) {
        id = token.id
        name = token.name
        role = token.role.rawValue
        status = token.revokedAtMs != nil ? "revoked" : token.isUsable(atMs: nowMs) ? "active" : "ended"
        createdAt = rfc3339(ms: token.createdAtMs)
        expiresAt = token.expiresAtMs.map(rfc3339)
        revokedAt = token.revokedAtMs.map(rfc3339)
        lastUsedAt = token.lastUsedAtMs.map(rfc3339)
    }

    enum CodingKeys: String, CodingKey {
        case id, name, role, status
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case revokedAt = "revoked_at"
        case lastUsedAt = "last_used_at"
    }
}

/// The answer to a token's making: the only one that holds its text.
package struct CreatedAdminToken: Codable, Sendable, Equatable {
    package var token: String
    package var description: AdminTokenDescription
}

package struct AdminTokensAnswer: AdminList {
    package var adminTokens: [AdminTokenDescription]
    package var nextCursor: String?

    package var items: [AdminTokenDescription] {
        get { adminTokens }
        set { adminTokens = newValue }
    }

    package init(adminTokens: [AdminTokenDescription]) { self.adminTokens = adminTokens }

    enum CodingKeys: String, CodingKey {
        case adminTokens = "admin_tokens"
        case nextCursor = "next_cursor"
    }
}

/// Who asks.
package struct Whoami: Codable, Sendable, Equatable {
    package var name: String
    package var role: String
    /// The id of the admin token; nil: the environment's, or none was asked for.
    package var token: String?
    /// From where, as the audit would say.
    package var from: String

    init(_ actor: AdminActor) {
        name = actor.name
        role = actor.role.rawValue
        token = actor.tokenID
        from = actor.address
    }
}
