import GRDB

extension SQLiteLedger {
    private static let select = """
        SELECT id, name, role, sha256, created_at, expires_at, revoked_at, last_used_at FROM admin_token
        """

    package func insertAdminToken(_ token: LedgerAdminToken, audit: AuditEntry) async throws(LedgerError) {
        try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO admin_token
                      (id, name, role, sha256, created_at, expires_at, revoked_at, last_used_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    token.id, token.name, token.role.rawValue, token.sha256, token.createdAtMs, token.expiresAtMs,
                    token.revokedAtMs, token.lastUsedAtMs,
                ])
            try Self.append(audit, to: db)
        }
    }

    package func adminTokens() async throws(LedgerError) -> [LedgerAdminToken] {
        try await read { db in
            try Row.fetchAll(db, sql: Self.select + " ORDER BY created_at, id").map(Self.adminToken)
        }
    }

    package func adminToken(id: String) async throws(LedgerError) -> LedgerAdminToken? {
        try await read { db in
            try Row.fetchOne(db.cachedStatement(sql: Self.select + " WHERE id = ?"), arguments: [id])
                .map(Self.adminToken)
        }
    }

    package func revokeAdminToken(id: String, audit: AuditEntry) async throws(LedgerError) -> Bool {
        try await write { db in
            try db.execute(
                sql: "UPDATE admin_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                arguments: [audit.atMs, id])
            guard db.changesCount == 1 else { return false }
            try Self.append(audit, to: db)
            return true
        }
    }

    package func recordAdminTokenUse(id: String, atMs: Int) async throws(LedgerError) {
        try await write { db in
            try db.execute(
                sql: "UPDATE admin_token SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?",
                arguments: [atMs, id])
        }
    }

    private static func adminToken(_ row: Row) throws -> LedgerAdminToken {
        let role: String = row[2]
        guard let role = AdminRole(rawValue: role) else {
            throw LedgerError.invalid("the admin token \(row[0] as String) has the unknown role \"\(role)\"")
        }
        return LedgerAdminToken(
            id: row[0], name: row[1], role: role, sha256: row[3], createdAtMs: row[4], expiresAtMs: row[5],
            revokedAtMs: row[6], lastUsedAtMs: row[7])
    }
}
