/// What the holder of an admin token may do; each role may all that the ones before it may.
package enum AdminRole: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
    /// Reads everything but admin tokens.
    case viewer
    /// Also throws the kill switch and changes limited sets.
    case `operator`
    /// Everything.
    case admin

    package static func < (left: AdminRole, right: AdminRole) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .admin: 2
        }
    }
}

/// An admin token as the ledger keeps it: whose it is, and its digest. The token itself is never stored.
package struct LedgerAdminToken: Sendable, Hashable {
    /// `wa_1a2B3c4D`, also the beginning of the token's text.
    package var id: String
    /// Who acts with it, for the audit.
    package var name: String
    package var role: AdminRole
    /// 64 lower-case hexadecimal digits.
    package var sha256: String
    /// Milliseconds since 1970, as all times here.
    package var createdAtMs: Int
    /// Nil: it never ends by itself.
    package var expiresAtMs: Int?
    package var revokedAtMs: Int?
    /// To the minute; nil: never.
    package var lastUsedAtMs: Int?

    package init(
        id: String, name: String, role: AdminRole, sha256: String, createdAtMs: Int, expiresAtMs: Int? = nil,
        revokedAtMs: Int? = nil, lastUsedAtMs: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.sha256 = sha256
        self.createdAtMs = createdAtMs
        self.expiresAtMs = expiresAtMs
        self.revokedAtMs = revokedAtMs
        self.lastUsedAtMs = lastUsedAtMs
    }

    /// Neither revoked nor ended.
    package func isUsable(atMs nowMs: Int) -> Bool {
        revokedAtMs == nil && (expiresAtMs.map { $0 > nowMs } ?? true)
    }
}
