import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    static let selectKey = """
        SELECT id, sha256, team, user, groups, products, models, expires_at, created_at, revoked_at FROM api_key
        """

    package func insertKey(_ key: LedgerKey, audit: AuditEntry) async throws(LedgerError) {
        try await write { db in
            try Self.insert(key, into: db)
            try Self.append(audit, to: db)
        }
    }

    private static func insert(_ key: LedgerKey, into db: Database) throws {
        let record = key.record
        try db.execute(
            sql: """
                INSERT INTO api_key
                  (id, sha256, team, user, groups, products, models, expires_at, created_at, revoked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                record.id, key.sha256, record.team, record.user, try json(record.groups), try json(record.products),
                try json(record.models), record.expiresAtMs, key.createdAtMs,
                record.isActive ? key.revokedAtMs : key.revokedAtMs ?? key.createdAtMs,
            ])
    }

    package func rotateKey(id: String, endsAtMs: Int, to key: LedgerKey, audit: AuditEntry)
        async throws(LedgerError) -> Bool
    {
        try await write { db in
            try db.execute(
                sql:
                    "UPDATE api_key SET expires_at = min(coalesce(expires_at, ?1), ?1) WHERE id = ?2 AND revoked_at IS NULL",
                arguments: [endsAtMs, id])
            guard db.changesCount == 1 else { return false }
            try Self.insert(key, into: db)
            try Self.append(audit, to: db)
            return true
        }
    }

    package func keys(team: String?) async throws(LedgerError) -> [LedgerKey] {
        try await read { db in
            try Row.fetchAll(
                db, sql: Self.selectKey + " WHERE ?1 IS NULL OR team = ?1 ORDER BY created_at, id", arguments: [team]
            ).map(Self.key)
        }
    }

    package func key(id: String) async throws(LedgerError) -> LedgerKey? {
        try await read { db in
            try Row.fetchOne(db, sql: Self.selectKey + " WHERE id = ?", arguments: [id]).map(Self.key)
        }
    }

    package func key(sha256: String) async throws(LedgerError) -> LedgerKey? {
        try await read { db in
            try Row.fetchOne(db, sql: Self.selectKey + " WHERE sha256 = ?", arguments: [sha256]).map(Self.key)
        }
    }

    package func revokeKey(id: String, audit: AuditEntry) async throws(LedgerError) -> Bool {
        try await write { db in
            try db.execute(
                sql: "UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                arguments: [audit.atMs, id])
            guard db.changesCount == 1 else { return false }
            try Self.append(audit, to: db)
            return true
        }
    }

    static func key(_ row: Row) throws -> LedgerKey {
        let revokedAtMs: Int? = row[9]
        let record = APIKeyRecord(
            id: row[0], team: row[2], user: row[3], groups: try list(row[4]), products: try list(row[5]),
            models: try list(row[6]), expiresAtMs: row[7], isActive: revokedAtMs == nil)
        return LedgerKey(record: record, sha256: row[1], createdAtMs: row[8], revokedAtMs: revokedAtMs)
    }

    private static func json(_ names: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(names), as: UTF8.self)
    }

    private static func list(_ json: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(json.utf8))
    }
}
