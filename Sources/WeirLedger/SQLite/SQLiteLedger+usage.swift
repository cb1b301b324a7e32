import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    private static let sums = SQLiteSchema.totals.map { "sum(\($0))" }.joined(separator: ", ")

    /// The days' sums do not know keys: their events stand in place of them, which takes longer.
    private static let eventsByKey = """
        (SELECT date(called_at / 1000, 'unixepoch') AS day, team, key, product, model, corrects IS NULL AS calls,
          NOT ok AS errors, \(SQLiteSchema.totals.dropFirst(2).joined(separator: ", "))
        FROM usage_event WHERE called_at >= ?5 AND called_at < ?6 AND key IS NOT NULL)
        """

    package func spend(by grouping: SpendGrouping, in days: DayRange, of selection: CallSelection)
        async throws(LedgerError) -> [Spend]
    {
        let (columns, group) =
            switch grouping {
            case .everybody: ("NULL, NULL, NULL, NULL", "")
            case .team: ("team, NULL, NULL, NULL", "GROUP BY team ORDER BY team")
            case .user: ("team, user, NULL, NULL", "GROUP BY team, user ORDER BY team, user")
            case .product: ("NULL, NULL, product, NULL", "GROUP BY product ORDER BY product")
            case .key: ("team, NULL, NULL, key", "GROUP BY team, key ORDER BY team, key")
            }
        let bounds: StatementArguments =
            grouping == .key ? [days.first.startMs, days.last.startMs + UTCDay.lengthMs] : []
        let arguments: StatementArguments =
            [days.first.id, days.last.id, Self.jsonArray(selection.products), Self.jsonArray(selection.models)] + bounds
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(columns), \(Self.sums) FROM \(grouping == .key ? Self.eventsByKey : "daily_summary")
                    WHERE day BETWEEN ?1 AND ?2
                      AND (?3 IS NULL OR product IN (SELECT value FROM json_each(?3)))
                      AND (?4 IS NULL OR model IN (SELECT value FROM json_each(?4)))
                    \(group)
                    """)
            // Without a GROUP BY the sum of nothing is one row of NULLs.
            return try Row.fetchAll(statement, arguments: arguments).filter { !$0.hasNull(atIndex: 4) }.map { row in
                let user: String? = row[1]
                return Spend(
                    team: row[0], user: user?.isEmpty == true ? nil : user, product: row[2], key: row[3],
                    totals: UsageTotals(row, at: 4))
            }
        }
    }

    package func usage(by column: UsageColumn, in days: DayRange, where filter: UsageFilter)
        async throws(LedgerError) -> [UsageRow]
    {
        let name = column == .user ? "team || '/' || user" : column.rawValue
        let order = column == .day ? "1" : "sum(cost_micros) DESC, sum(calls) DESC, 1"
        let arguments: StatementArguments = [
            days.first.id, days.last.id, filter.team, filter.user, filter.product, filter.model,
        ]
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(name), \(Self.sums) FROM daily_summary
                    WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR team = ?3) AND (?4 IS NULL OR user = ?4)
                      AND (?5 IS NULL OR product = ?5) AND (?6 IS NULL OR model = ?6)
                    GROUP BY 1 ORDER BY \(order)
                    """)
            return try Row.fetchAll(statement, arguments: arguments).map {
                UsageRow(name: $0[0], totals: UsageTotals($0, at: 1))
            }
        }
    }

    package func events(in days: DayRange, after: UsageEvent?, limit: Int) async throws(LedgerError) -> [UsageEvent] {
        let startMs = max(days.first.startMs, after?.calledAtMs ?? .min)
        let endMs = days.last.startMs + UTCDay.lengthMs
        return try await read { db in
            try Row.fetchAll(
                db.cachedStatement(sql: UsageEventColumns.selectPage),
                arguments: [startMs, endMs, after?.id ?? "", limit]
            ).map(UsageEventColumns.event)
        }
    }

    package func outcomes(of ids: [String]) async throws(LedgerError) -> [String: UsageEvent.Outcome] {
        guard let list = Self.jsonArray(Set(ids)), !ids.isEmpty else { return [:] }
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT id, outcome FROM usage_event WHERE id IN (SELECT value FROM json_each(?))")
            var outcomes: [String: UsageEvent.Outcome] = [:]
            for row in try Row.fetchAll(statement, arguments: [list]) {
                outcomes[row[0]] = UsageEvent.Outcome(rawValue: row[1])
            }
            return outcomes
        }
    }

    package func standingOrphans(calledFrom ms: Int) async throws(LedgerError) -> [StandingOrphan] {
        try await read { db in
            let statement = try db.cachedStatement(sql: UsageEventColumns.selectOrphans)
            return try Row.fetchAll(statement, arguments: [ms]).map { row in
                StandingOrphan(
                    id: row[0], calledAtMs: row[1], model: row[6],
                    spend: Spend(
                        team: row[2], user: row[3], product: row[4], key: row[5], totals: UsageTotals(row, at: 7)))
            }
        }
    }

    package func callCounts(calledFrom ms: Int) async throws(LedgerError) -> (orphaned: Int, all: Int) {
        try await read { db in
            func count(_ rows: String) throws -> Int {
                let statement = try db.cachedStatement(sql: "SELECT count(*) FROM usage_event INDEXED BY \(rows)")
                return try Int.fetchOne(statement, arguments: [ms]) ?? 0
            }
            let orphaned = try count(
                "usage_event_orphaned WHERE called_at >= ? AND outcome = 'orphaned' AND corrects IS NULL")
            return (orphaned, orphaned == 0 ? 0 : try count("usage_event_called_at WHERE called_at >= ?"))
        }
    }

    package func deadLetters(limit: Int) async throws(LedgerError) -> [DeadLetter] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT stream, stream_id, raw, error, seen_at FROM dead_letter ORDER BY rowid DESC LIMIT ?",
                arguments: [limit]
            ).map { row in
                DeadLetter(
                    stream: row[0], streamID: row[1], raw: Array(row[2] as Data), error: row[3], seenAtMs: row[4])
            }
        }
    }

    /// A list as one bound value, so that the statement's text never depends on what is asked; NULL for "all".
    private static func jsonArray(_ names: Set<String>?) -> String? {
        guard let names else { return nil }
        // An array of text always has a JSON form; if not, nothing is selected.
        return (try? JSONEncoder().encode(names.sorted())).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    }
}
