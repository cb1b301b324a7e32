import GRDB

extension SQLiteLedger {
    package func appendAudit(_ entry: AuditEntry) async throws(LedgerError) {
        try await write { db in try Self.append(entry, to: db) }
    }

    package func audit(limit: Int) async throws(LedgerError) -> [AuditEntry] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT at, actor, token, "from", action, subject, before, after, reason
                    FROM audit ORDER BY id DESC LIMIT ?
                    """, arguments: [limit]
            ).map(Self.auditEntry)
        }
    }

    /// Of a row with these columns in this order.
    static func auditEntry(_ row: Row) -> AuditEntry {
        AuditEntry(
            atMs: row[0], actor: row[1], token: row[2], from: row[3], action: row[4], subject: row[5], before: row[6],
            after: row[7], reason: row[8])
    }

    /// Within the transaction of the change that it records.
    static func append(_ entry: AuditEntry, to db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO audit (at, actor, token, "from", action, subject, before, after, reason)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                entry.atMs, entry.actor, entry.token, entry.from, entry.action, entry.subject, entry.before,
                entry.after, entry.reason,
            ])
    }
}
