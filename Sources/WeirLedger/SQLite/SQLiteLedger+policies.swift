import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    package func appendPolicy(_ policy: Policy, yaml: String, note: String, audit: AuditEntry)
        async throws(LedgerError) -> PolicyVersion
    {
        try await write { db in
            var policy = policy
            policy.version = 1 + (try Int.fetchOne(db, sql: "SELECT max(version) FROM policy") ?? 0)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let applied = PolicyVersion(
                policy: policy, yaml: yaml, json: String(decoding: try encoder.encode(policy), as: UTF8.self),
                appliedAtMs: audit.atMs, actor: audit.actor, note: note)
            try db.execute(
                sql: "INSERT INTO policy (version, yaml, json, applied_at, actor, note) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [policy.version, yaml, applied.json, applied.appliedAtMs, applied.actor, note])
            try Self.append(audit, to: db)
            return applied
        }
    }

    package func currentPolicy() async throws(LedgerError) -> PolicyVersion? {
        try await policies(limit: 1).first
    }

    package func policy(version: Int) async throws(LedgerError) -> PolicyVersion? {
        try await read { db in
            try Row.fetchOne(
                db, sql: "SELECT json, yaml, applied_at, actor, note FROM policy WHERE version = ?",
                arguments: [version]
            ).map(Self.policyVersion)
        }
    }

    package func policies(limit: Int) async throws(LedgerError) -> [PolicyVersion] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT json, yaml, applied_at, actor, note FROM policy ORDER BY version DESC LIMIT ?",
                arguments: [limit]
            ).map(Self.policyVersion)
        }
    }

    static func policyVersion(_ row: Row) throws -> PolicyVersion {
        let json: String = row[0]
        let policy = try JSONDecoder().decode(Policy.self, from: Data(json.utf8))
        return PolicyVersion(
            policy: policy, yaml: row[1], json: json, appliedAtMs: row[2], actor: row[3], note: row[4])
    }

    package func revision() async throws(LedgerError) -> Int {
        try await read { db in try Int.fetchOne(db, sql: "SELECT number FROM revision") ?? 0 }
    }
}
