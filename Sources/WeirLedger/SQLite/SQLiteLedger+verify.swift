import GRDB
import WeirCore

extension SQLiteLedger {
    package func verify() async throws(LedgerError) -> [SummaryDifference] {
        let key = SummaryKey.columns.joined(separator: ", ")
        let totals = SQLiteSchema.totals
        let sums = totals.map { "sum(\($0)) AS \($0)" }.joined(separator: ", ")
        let negated = totals.map { "-\($0)" }.joined(separator: ", ")
        // Each key's sum, its events' sum, and the keys where they are not the same, from one state of the ledger.
        let sql = """
            WITH event AS (
              SELECT date(called_at / 1000, 'unixepoch') AS day, team, coalesce(user, '') AS user, product, endpoint,
                model, corrects IS NULL AS calls, NOT ok AS errors, input_tokens, cache_read_tokens, cache_write_5m_tokens,
                cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_micros
              FROM usage_event
            ), sum_of_events AS (SELECT \(key), \(sums) FROM event GROUP BY \(key)),
            difference AS (
              SELECT \(key) FROM (
                SELECT \(key), \(totals.joined(separator: ", ")) FROM daily_summary
                UNION ALL SELECT \(key), \(negated) FROM sum_of_events
              ) GROUP BY \(key) HAVING \(totals.map { "sum(\($0)) <> 0" }.joined(separator: " OR "))
                OR count(*) <> 2
            )
            SELECT \(key), \(totals.map { "coalesce(s.\($0), 0)" }.joined(separator: ", ")),
              \(totals.map { "coalesce(e.\($0), 0)" }.joined(separator: ", "))
            FROM difference LEFT JOIN daily_summary AS s USING (\(key)) LEFT JOIN sum_of_events AS e USING (\(key))
            ORDER BY \(key)
            """
        return try await read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                let user: String = row[2]
                return SummaryDifference(
                    day: row[0], team: row[1], user: user.isEmpty ? nil : user, product: row[3], endpoint: row[4],
                    model: row[5], summary: UsageTotals(row, at: 6), events: UsageTotals(row, at: 6 + totals.count))
            }
        }
    }
}
