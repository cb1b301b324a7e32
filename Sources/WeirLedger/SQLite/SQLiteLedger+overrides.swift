import GRDB
import WeirCore

extension SQLiteLedger {
    package func setOverride(_ override: Override, audit: AuditEntry) async throws(LedgerError) {
        try await write { db in
            try db.execute(sql: "DELETE FROM override WHERE until <= ?", arguments: [audit.atMs])
            try db.execute(
                sql: """
                    INSERT INTO override (limit_id, subject, amount, until, reason, actor, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (limit_id, subject) DO UPDATE SET amount = excluded.amount, until = excluded.until,
                      reason = excluded.reason, actor = excluded.actor, created_at = excluded.created_at
                    """,
                arguments: [
                    override.limit, override.subject, override.amount, override.untilMs, override.reason,
                    override.actor, override.createdAtMs,
                ])
            try Self.append(audit, to: db)
        }
    }

    package func removeOverride(limit: Limit.ID, subject: String, audit: AuditEntry)
        async throws(LedgerError) -> Bool
    {
        try await write { db in
            try db.execute(
                sql: "DELETE FROM override WHERE limit_id = ? AND subject = ?", arguments: [limit, subject])
            guard db.changesCount == 1 else { return false }
            try Self.append(audit, to: db)
            return true
        }
    }

    package func overrides() async throws(LedgerError) -> [Override] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT limit_id, subject, amount, until, reason, actor, created_at FROM override
                    ORDER BY limit_id, subject
                    """
            ).map {
                Override(
                    limit: $0[0], subject: $0[1], amount: $0[2], untilMs: $0[3], reason: $0[4], actor: $0[5],
                    createdAtMs: $0[6])
            }
        }
    }
}
