import GRDB
import WeirCore

extension SQLiteLedger {
    package func rebuild(_ day: UTCDay, audit: AuditEntry) async throws(LedgerError) -> RebuildResult {
        let key = SummaryKey.columns.joined(separator: ", ")
        let totals = SQLiteSchema.totals.joined(separator: ", ")
        return try await write { db in
            // The day's sums as they have to be, in a table of this connection's own.
            try db.execute(sql: "DROP TABLE IF EXISTS temp.rebuilt")
            try db.execute(
                sql: """
                    CREATE TEMP TABLE rebuilt AS
                    SELECT \(key), \(SQLiteSchema.totals.map { "min(sum(\($0)), \(Int.largestExact)) AS \($0)" }.joined(separator: ", "))
                    FROM \(Self.eventsAsSums) WHERE day = ?1 GROUP BY \(key)
                    """, arguments: [day.id, day.startMs, day.startMs + UTCDay.lengthMs])
            let corrected = try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM (SELECT DISTINCT \(key) FROM (
                      SELECT * FROM (SELECT \(key), \(totals) FROM daily_summary WHERE day = ?1
                        EXCEPT SELECT \(key), \(totals) FROM rebuilt)
                      UNION ALL SELECT * FROM (SELECT \(key), \(totals) FROM rebuilt
                        EXCEPT SELECT \(key), \(totals) FROM daily_summary WHERE day = ?1)))
                    """, arguments: [day.id])
            let sums = try Int.fetchOne(db, sql: "SELECT count(*) FROM rebuilt")
            let result = RebuildResult(sums: sums ?? 0, corrected: corrected ?? 0)
            // Written anew in any case: with it, by the triggers, the coarser sums, which are cleared before.
            for table in ["daily_summary", "daily_user_summary", "daily_kind_summary"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE day = ?", arguments: [day.id])
            }
            try db.execute(
                sql: "INSERT INTO daily_summary (\(key), \(totals)) SELECT \(key), \(totals) FROM rebuilt")
            try db.execute(sql: "DROP TABLE temp.rebuilt")
            if result.corrected > 0 {
                var audit = audit
                audit.after = "\(result.corrected) sums corrected"
                try Self.append(audit, to: db)
            }
            return result
        }
    }

    package func recordedDays() async throws(LedgerError) -> DayRange? {
        try await read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT min(first), max(last) FROM (
                      SELECT (SELECT date(min(called_at) / 1000, 'unixepoch') FROM usage_event) AS first,
                        (SELECT date(max(called_at) / 1000, 'unixepoch') FROM usage_event) AS last
                      UNION ALL SELECT (SELECT min(day) FROM daily_summary), (SELECT max(day) FROM daily_summary))
                    """)
            guard let first = row?[0] as String?, let last = row?[1] as String?, let first = UTCDay(first),
                let last = UTCDay(last)
            else { return nil }
            return DayRange(first: first, last: last)
        }
    }

    /// Events from `?2` on and before `?3` with the columns of `daily_summary`.
    private static let eventsAsSums = """
        (SELECT date(called_at / 1000, 'unixepoch') AS day, team, coalesce(user, '') AS user, product, endpoint, model,
          corrects IS NULL AS calls, NOT ok AS errors, \(SQLiteSchema.totals.dropFirst(2).joined(separator: ", "))
        FROM usage_event WHERE called_at >= ?2 AND called_at < ?3)
        """
}
