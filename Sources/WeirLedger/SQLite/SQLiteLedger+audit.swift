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
            ).map {
                AuditEntry(
                    atMs: $0[0], actor: $0[1], token: $0[2], from: $0[3], action: $0[4], subject: $0[5], before: $0[6],
                    after: $0[7], reason: $0[8])
            }
        }
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
