import GRDB
import WeirCore

extension SQLiteLedger {
    package func costs(in days: DayRange, top: Int) async throws(LedgerError) -> CostOverview {
        let totals = SQLiteSchema.totals.joined(separator: ", ")
        let sums = SQLiteSchema.totals.map { "sum(\($0))" }.joined(separator: ", ")
        let (first, last) = (days.first.id, days.last.id)
        return try await read { db in
            let kinds = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT day, product, endpoint, model, \(totals) FROM daily_kind_summary
                        WHERE day BETWEEN ? AND ? ORDER BY day, product, endpoint, model
                        """), arguments: [first, last]
            ).map {
                CostOverview.KindTotals(
                    day: $0[0], product: $0[1], endpoint: $0[2], model: $0[3], totals: UsageTotals($0, at: 4))
            }
            /// The dearest of the days, found by cost alone, and then all that is known of those.
            func dearest(_ name: String, _ group: String) throws -> [UsageRow] {
                let statement = try db.cachedStatement(
                    sql: """
                        SELECT \(name), \(sums) FROM daily_user_summary WHERE day BETWEEN ?1 AND ?2
                        GROUP BY \(group) ORDER BY sum(cost_micros) DESC, sum(calls) DESC, 1 LIMIT ?3
                        """)
                return try Row.fetchAll(statement, arguments: [first, last, top]).map {
                    UsageRow(name: $0[0], totals: UsageTotals($0, at: 1))
                }
            }
            return CostOverview(
                kinds: kinds, teams: try dearest("team", "team"),
                users: try dearest("team || '/' || user", "team, user"))
        }
    }
}
