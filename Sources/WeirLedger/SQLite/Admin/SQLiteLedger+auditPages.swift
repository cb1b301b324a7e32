import GRDB
import WeirCore

extension SQLiteLedger {
    package func audit(_ filter: AuditFilter, before number: Int?, limit: Int) async throws(LedgerError) -> [AuditRow] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT at, actor, token, "from", action, subject, before, after, reason, id FROM audit
                    WHERE id < ?1 AND (?2 IS NULL OR actor = ?2)
                      AND (?3 IS NULL OR action = ?3 OR substr(action, 1, length(?3) + 1) = ?3 || '.')
                      AND (?4 IS NULL OR subject = ?4) AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6)
                    ORDER BY id DESC LIMIT ?7
                    """,
                arguments: [
                    number ?? .max, filter.actor, filter.action, filter.subject, filter.fromMs, filter.toMs, limit,
                ]
            ).map { AuditRow(number: $0[9], entry: Self.auditEntry($0)) }
        }
    }

    package func policies(before version: Int?, limit: Int) async throws(LedgerError) -> [PolicyVersion] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT json, yaml, applied_at, actor, note FROM policy WHERE version < ? ORDER BY version DESC LIMIT ?
                    """, arguments: [version ?? .max, limit]
            ).map(Self.policyVersion)
        }
    }
}
