import GRDB
import WeirCore

extension SQLiteLedger {
    package func verify(progress: @Sendable (_ done: Int, _ total: Int) -> Void)
        async throws(LedgerError) -> [SummaryDifference]
    {
        let days = try await read { db in try String.fetchAll(db, sql: Self.daysWithEventsOrSums) }
        var found: [SummaryDifference] = []
        for (index, day) in days.enumerated() {
            progress(index, days.count)
            found += try await read { db in try Self.differences(on: day, db) }
        }
        progress(days.count, days.count)
        return found
    }

    /// From one day's first event to the next day's, each found by the index of times.
    private static let daysWithEventsOrSums = """
        WITH RECURSIVE event_day (start) AS (
          SELECT min(called_at) FROM usage_event
          UNION ALL
          SELECT (SELECT min(called_at) FROM usage_event
            WHERE called_at >= (start / \(UTCDay.lengthMs) + 1) * \(UTCDay.lengthMs))
          FROM event_day WHERE start IS NOT NULL)
        SELECT date(start / 1000, 'unixepoch') AS day FROM event_day
        WHERE start IS NOT NULL AND date(start / 1000, 'unixepoch') IS NOT NULL
        UNION SELECT day FROM daily_summary
        \(SQLiteSchema.coarse.map { "UNION SELECT day FROM \($0.table)" }.joined(separator: " "))
        ORDER BY 1
        """

    /// Each table of sums with what it is the sum of.
    private static let sums =
        [
            (table: "daily_summary", key: SummaryKey.columns, of: "usage_event")
        ] + SQLiteSchema.coarse.map { (table: $0.table, key: $0.key, of: "daily_summary") }

    /// The sums of a day that are not right, from one state of the ledger.
    static func differences(on day: String, _ db: Database) throws -> [SummaryDifference] {
        let startMs = UTCDay(day)?.startMs
        return try sums.flatMap { sums in
            var arguments: StatementArguments = [day]
            // What is not a day has no events.
            if sums.of == "usage_event" { arguments += [startMs, startMs.map { $0 + UTCDay.lengthMs }] }
            return try Row.fetchAll(
                db.cachedStatement(sql: select(sums.table, sums.key, sums.of)), arguments: arguments
            ).map { row in
                let user: String? = row[2]
                return SummaryDifference(
                    table: sums.table, sumOf: sums.of, day: row[0], team: row[1],
                    user: user?.isEmpty == true ? nil : user, product: row[3], endpoint: row[4], model: row[5],
                    summary: UsageTotals(row, at: 6), expected: UsageTotals(row, at: 6 + SQLiteSchema.totals.count))
            }
        }
    }

    /// Each key's sum, what it has to be, and the keys where they are not the same.
    private static func select(_ table: String, _ columns: [String], _ source: String) -> String {
        let (key, totals) = (columns.joined(separator: ", "), SQLiteSchema.totals)
        return """
            WITH own AS (SELECT \(key), \(totals.joined(separator: ", ")) FROM \(table) WHERE day = ?1),
            expected AS (
              SELECT \(key), \(boundedSums) FROM \(source == "usage_event" ? eventsAsSums : source)
              WHERE day = ?1 GROUP BY \(key)),
            difference AS (
              SELECT \(key) FROM (
                SELECT * FROM own
                UNION ALL SELECT \(key), \(totals.map { "-\($0)" }.joined(separator: ", ")) FROM expected
              ) GROUP BY \(key) HAVING \(totals.map { "sum(\($0)) <> 0" }.joined(separator: " OR ")) OR count(*) <> 2)
            SELECT \(SummaryKey.columns.map { columns.contains($0) ? $0 : "NULL" }.joined(separator: ", ")),
              \(totals.map { "coalesce(own.\($0), 0)" }.joined(separator: ", ")),
              \(totals.map { "coalesce(expected.\($0), 0)" }.joined(separator: ", "))
            FROM difference LEFT JOIN own USING (\(key)) LEFT JOIN expected USING (\(key))
            ORDER BY \(key)
            """
    }

    /// Sums stop at 2^53 - 1.
    static let boundedSums = SQLiteSchema.totals.map { "min(sum(\($0)), \(Int.largestExact)) AS \($0)" }
        .joined(separator: ", ")

    /// Events from `?2` on and before `?3` with the columns of `daily_summary`.
    static let eventsAsSums = """
        (SELECT date(called_at / 1000, 'unixepoch') AS day, team, coalesce(user, '') AS user, product, endpoint, model,
          corrects IS NULL AS calls, NOT ok AS errors, \(SQLiteSchema.totals.dropFirst(2).joined(separator: ", "))
        FROM usage_event WHERE called_at >= ?2 AND called_at < ?3)
        """
}
