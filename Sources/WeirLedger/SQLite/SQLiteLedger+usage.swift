import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    private static let sums = SQLiteSchema.totals.map { "sum(\($0))" }.joined(separator: ", ")

    package func spend(by grouping: SpendGrouping, in days: DayRange, of selection: CallSelection)
        async throws(LedgerError) -> [Spend]
    {
        let (columns, group) =
            switch grouping {
            case .everybody: ("NULL, NULL, NULL", "")
            case .team: ("team, NULL, NULL", "GROUP BY team ORDER BY team")
            case .user: ("team, user, NULL", "GROUP BY team, user ORDER BY team, user")
            case .product: ("NULL, NULL, product", "GROUP BY product ORDER BY product")
            }
        let arguments: StatementArguments = [
            days.first.id, days.last.id, Self.jsonArray(selection.products), Self.jsonArray(selection.models),
        ]
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(columns), \(Self.sums) FROM daily_summary
                    WHERE day BETWEEN ?1 AND ?2
                      AND (?3 IS NULL OR product IN (SELECT value FROM json_each(?3)))
                      AND (?4 IS NULL OR model IN (SELECT value FROM json_each(?4)))
                    \(group)
                    """)
            // Without a GROUP BY the sum of nothing is one row of NULLs.
            return try Row.fetchAll(statement, arguments: arguments).filter { !$0.hasNull(atIndex: 3) }.map { row in
                let user: String? = row[1]
                return Spend(
                    team: row[0], user: user?.isEmpty == true ? nil : user, product: row[2],
                    totals: UsageTotals(row, at: 3))
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
