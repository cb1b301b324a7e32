import GRDB
import WeirCore

extension SQLiteLedger {
    package func costs(in days: DayRange, top: Int) async throws(LedgerError) -> CostOverview {
        let totals = SQLiteSchema.totals.joined(separator: ", ")
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
            guard top > 0 else { return CostOverview(kinds: kinds, teams: [], users: []) }
            // All users are summed once, by what decides; then all that is known is read of the few that are dearest.
            let dearest = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        WITH spent AS MATERIALIZED (
                          SELECT team, user, sum(cost_micros) AS cost, sum(calls) AS calls FROM daily_user_summary
                          WHERE day BETWEEN ?1 AND ?2 GROUP BY team, user)
                        SELECT * FROM (SELECT team, NULL, sum(cost), sum(calls) FROM spent GROUP BY team
                          ORDER BY 3 DESC, 4 DESC, 1 LIMIT ?3)
                        UNION ALL SELECT * FROM (SELECT team, user, cost, calls FROM spent
                          ORDER BY 3 DESC, 4 DESC, 1, 2 LIMIT ?3)
                        """), arguments: [first, last, top])
            var overview = CostOverview(kinds: kinds, teams: [], users: [])
            for row in dearest {
                let (team, user): (String, String?) = (row[0], row[1])
                let totals = try Self.totals(of: team, user: user, in: days, db)
                if let user {
                    overview.users.append(UsageRow(name: "\(team)/\(user)", totals: totals))
                } else {
                    overview.teams.append(UsageRow(name: team, totals: totals))
                }
            }
            return overview
        }
    }
}
