import GRDB
import WeirCore

extension SQLiteLedger {
    package func keys(_ filter: KeyFilter, after: (createdAtMs: Int, id: String)?, limit: Int)
        async throws(LedgerError) -> [LedgerKey]
    {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: Self.selectKey + """
                     WHERE (?1 IS NULL OR team = ?1) AND (?2 IS NULL OR user = ?2)
                      AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(groups) WHERE value = ?3))
                      AND (?4 IS NULL OR (revoked_at IS NULL) = ?4) AND (created_at, id) > (?5, ?6)
                    ORDER BY created_at, id LIMIT ?7
                    """)
            return try Row.fetchAll(
                statement,
                arguments: [
                    filter.team, filter.user, filter.group, filter.isActive, after?.createdAtMs ?? .min,
                    after?.id ?? "", limit,
                ]
            ).map(Self.key)
        }
    }

    package func teams(after team: String?, limit: Int, days: DayRange) async throws(LedgerError) -> [TeamRow] {
        try await read { db in
            // From name to name by index, since there may be a million rows of one team.
            let next = try db.cachedStatement(
                sql: """
                    SELECT min(team) FROM (
                      SELECT (SELECT min(team) FROM api_key WHERE team > ?1) AS team
                      UNION ALL SELECT (SELECT min(team) FROM daily_user_summary WHERE team > ?1))
                    """)
            let keys = try db.cachedStatement(
                sql: "SELECT count(DISTINCT user), count(*), count(*) - count(revoked_at) FROM api_key WHERE team = ?")
            var rows: [TeamRow] = []
            var last = team ?? ""
            while rows.count < limit, let team = try String.fetchOne(next, arguments: [last]) {
                last = team
                guard let row = try Row.fetchOne(keys, arguments: [team]) else { break }
                let totals = try Self.totals(of: team, user: nil, in: days, db)
                rows.append(TeamRow(team: team, users: row[0], keys: row[1], activeKeys: row[2], totals: totals))
            }
            return rows
        }
    }

    package func users(team: String?, after: (team: String, user: String)?, limit: Int, days: DayRange)
        async throws(LedgerError) -> [UserRow]
    {
        try await read { db in
            func first(of table: String) -> String {
                """
                SELECT * FROM (SELECT team, user FROM \(table) WHERE (team, user) > (?1, ?2) AND user <> ''
                ORDER BY team, user LIMIT 1)
                """
            }
            let next = try db.cachedStatement(
                sql: """
                    SELECT team, user FROM (\(first(of: "api_key")) UNION ALL \(first(of: "daily_user_summary")))
                    ORDER BY team, user LIMIT 1
                    """)
            let keys = try db.cachedStatement(
                sql: "SELECT count(*), count(*) - count(revoked_at) FROM api_key WHERE team = ? AND user = ?")
            let groups = try db.cachedStatement(
                sql: """
                    SELECT DISTINCT g.value FROM api_key, json_each(groups) AS g
                    WHERE team = ? AND user = ? AND revoked_at IS NULL ORDER BY 1
                    """)
            var rows: [UserRow] = []
            var last = after ?? (team ?? "", "")
            while rows.count < limit, let row = try Row.fetchOne(next, arguments: [last.team, last.user]) {
                last = (row[0], row[1])
                if let team, team != last.team { break }
                let arguments: StatementArguments = [last.team, last.user]
                guard let counts = try Row.fetchOne(keys, arguments: arguments) else { break }
                rows.append(
                    UserRow(
                        team: last.team, user: last.user, groups: try String.fetchAll(groups, arguments: arguments),
                        keys: counts[0], activeKeys: counts[1],
                        totals: try Self.totals(of: last.team, user: last.user, in: days, db)))
            }
            return rows
        }
    }

    package func groups(team: String?, after: (team: String, group: String)?, limit: Int)
        async throws(LedgerError) -> [GroupRow]
    {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT team, g.value, count(DISTINCT user), count(*), count(*) - count(revoked_at)
                    FROM api_key, json_each(groups) AS g
                    WHERE (?1 IS NULL OR team = ?1) AND (team, g.value) > (?2, ?3)
                    GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ?4
                    """, arguments: [team, after?.team ?? "", after?.group ?? "", limit]
            ).map { GroupRow(team: $0[0], group: $0[1], users: $0[2], keys: $0[3], activeKeys: $0[4]) }
        }
    }

    /// Of a team, or of a user of it, day by day: each is found by its key.
    private static func totals(of team: String, user: String?, in days: DayRange, _ db: Database) throws -> UsageTotals
    {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(SQLiteSchema.totals.map { "coalesce(sum(\($0)), 0)" }.joined(separator: ", "))
                FROM daily_user_summary WHERE day IN (SELECT value FROM json_each(?1)) AND team = ?2
                \(user == nil ? "" : "AND user = ?3")
                """)
        let names = (days.first.number...days.last.number).map { "\"\(UTCDay(number: $0).id)\"" }
        let list = "[\(names.joined(separator: ","))]"
        let arguments: StatementArguments = user.map { [list, team, $0] } ?? [list, team]
        return try Row.fetchOne(statement, arguments: arguments).map { UsageTotals($0, at: 0) } ?? .zero
    }
}
