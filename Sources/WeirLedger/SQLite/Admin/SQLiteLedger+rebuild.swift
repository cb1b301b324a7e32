import GRDB
import WeirCore

extension SQLiteLedger {
    package func rebuild(_ day: UTCDay, audit: AuditEntry) async throws(LedgerError) -> RebuildResult {
        let key = SummaryKey.columns.joined(separator: ", ")
        return try await write { db in
            let corrected = try Self.differences(on: day.id, db).count
            // Written anew in any case: with it, by the triggers, the coarser sums, which are cleared before.
            for table in ["daily_summary"] + SQLiteSchema.coarse.map(\.table) {
                try db.execute(sql: "DELETE FROM \(table) WHERE day = ?", arguments: [day.id])
            }
            try db.execute(
                sql: """
                    INSERT INTO daily_summary (\(key), \(SQLiteSchema.totals.joined(separator: ", ")))
                    SELECT \(key), \(Self.boundedSums) FROM \(Self.eventsAsSums) WHERE day = ?1 GROUP BY \(key)
                    """, arguments: [day.id, day.startMs, day.startMs + UTCDay.lengthMs])
            let result = RebuildResult(sums: db.changesCount, corrected: corrected)
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
                      \((["daily_summary"] + SQLiteSchema.coarse.map(\.table)).map {
                        "UNION ALL SELECT (SELECT min(day) FROM \($0)), (SELECT max(day) FROM \($0))"
                      }.joined(separator: " ")))
                    """)
            guard let first = row?[0] as String?, let last = row?[1] as String?, let first = UTCDay(first),
                let last = UTCDay(last)
            else { return nil }
            return DayRange(first: first, last: last)
        }
    }
}
