import GRDB
import WeirCore

extension SQLiteLedger {
    package func recordDenials(_ counts: [DenialCount]) async throws(LedgerError) {
        try await write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO denial_count (day, node, team, user, limit_id, reason, denials)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET denials = max(denials, excluded.denials)
                    """)
            for count in counts {
                let key = count.key
                try statement.execute(
                    arguments: [
                        key.day.id, count.node, key.team, key.user ?? "", key.limit ?? "", key.reason, count.count,
                    ])
            }
        }
    }

    package func denials(in days: DayRange, team: String?) async throws(LedgerError) -> [DenialRow] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT team, user, limit_id, reason, sum(denials) FROM daily_denial
                    WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR team = ?3)
                    GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4
                    """, arguments: [days.first.id, days.last.id, team]
            ).map { row in
                let (user, limit): (String, String) = (row[1], row[2])
                return DenialRow(
                    team: row[0], user: user.isEmpty ? nil : user, limit: limit.isEmpty ? nil : limit, reason: row[3],
                    denials: row[4])
            }
        }
    }
}
