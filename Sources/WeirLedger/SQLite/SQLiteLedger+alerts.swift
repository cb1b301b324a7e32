import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    /// How long alerts that are over are kept.
    private static let keptMs = 400 * UTCDay.lengthMs

    private static let columns =
        "id, kind, subject, period, severity, text, details, raised_at, state, attempts, next_at, error"

    package func raise(_ alerts: [Alert], deliver: Bool, mostPending: Int) async throws(LedgerError) -> [Alert] {
        try await write { db in
            var room =
                mostPending - (try Int.fetchOne(db, sql: "SELECT count(*) FROM alert WHERE state = 'pending'") ?? 0)
            let insert = try db.cachedStatement(
                sql: """
                    INSERT INTO alert (kind, subject, period, severity, text, details, raised_at, state, next_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """)
            var raised: [Alert] = []
            for alert in alerts where room > 0 {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                try insert.execute(
                    arguments: [
                        alert.kind.rawValue, alert.subject, alert.period, alert.severity.rawValue, alert.text,
                        String(decoding: try encoder.encode(alert.details), as: UTF8.self), alert.atMs,
                        (deliver ? AlertRecord.State.pending : .recorded).rawValue, alert.atMs,
                    ])
                guard db.changesCount == 1 else { continue }
                raised.append(alert)
                if deliver { room -= 1 }
            }
            if let nowMs = raised.last?.atMs {
                try db.execute(
                    sql: "DELETE FROM alert WHERE raised_at < ? AND state <> 'pending'",
                    arguments: [nowMs - Self.keptMs])
            }
            return raised
        }
    }

    package func claimAlert(nowMs: Int, forMs: Int) async throws(LedgerError) -> AlertRecord? {
        // Nearly always nothing is due, and nobody has to wait for a write that writes nothing.
        let isDue = try await read { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM alert WHERE state = 'pending' AND next_at <= ?)",
                arguments: [nowMs]) ?? false
        }
        guard isDue else { return nil }
        return try await write { db in
            try Row.fetchOne(
                db,
                sql: """
                    UPDATE alert SET attempts = attempts + 1, next_at = ?1 + ?2 WHERE id = (
                      SELECT id FROM alert WHERE state = 'pending' AND next_at <= ?1 ORDER BY next_at, id LIMIT 1)
                    RETURNING \(Self.columns)
                    """, arguments: [nowMs, forMs]
            ).flatMap(Self.record)
        }
    }

    package func endAttempt(_ record: AlertRecord, as state: AlertRecord.State, nextAtMs: Int, error: String?)
        async throws(LedgerError)
    {
        try await write { db in
            try db.execute(
                sql: """
                    UPDATE alert SET state = ?, next_at = ?, error = ? WHERE id = ? AND attempts = ? AND state = 'pending'
                    """, arguments: [state.rawValue, nextAtMs, error, record.id, record.attempts])
        }
    }

    package func alerts(state: AlertRecord.State?, before id: Int?, limit: Int) async throws(LedgerError)
        -> [AlertRecord]
    {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.columns) FROM alert
                    WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3
                    """, arguments: [state?.rawValue, id, limit]
            ).compactMap(Self.record)
        }
    }

    package func alertCounts() async throws(LedgerError) -> [AlertRecord.State: Int] {
        try await read { db in
            var counts: [AlertRecord.State: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) FROM alert GROUP BY state") {
                if let state = AlertRecord.State(rawValue: row[0]) { counts[state] = row[1] }
            }
            return counts
        }
    }

    /// Nil for one that a later version wrote.
    private static func record(_ row: Row) -> AlertRecord? {
        guard let kind = Alert.Kind(rawValue: row[1]), let severity = Alert.Severity(rawValue: row[4]),
            let state = AlertRecord.State(rawValue: row[8])
        else { return nil }
        let json: String = row[6]
        let details = try? JSONDecoder().decode([String: String].self, from: Data(json.utf8))
        return AlertRecord(
            id: row[0],
            alert: Alert(
                kind, subject: row[2], period: row[3], severity: severity, text: row[5], details: details ?? [:],
                atMs: row[7]),
            state: state, attempts: row[9], nextAtMs: row[10], error: row[11])
    }
}
