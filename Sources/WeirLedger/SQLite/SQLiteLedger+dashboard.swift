import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What pages ask: of the days' sums alone, never of single events, so that a year of calls costs what its days do.
extension SQLiteLedger {
    private static let sums = SQLiteSchema.totals.map { "coalesce(sum(\($0)), 0)" }.joined(separator: ", ")

    package func spendByDay(by column: UsageColumn, in days: DayRange, where filter: UsageFilter, dearest: Int)
        async throws(LedgerError) -> [NamedSpend]
    {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    WITH named AS (
                      SELECT day, \(column.rawValue) AS name, sum(cost_micros) AS cost FROM daily_summary
                      WHERE day IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR team = ?2)
                        AND (?3 IS NULL OR user = ?3)
                        AND (?4 IS NULL OR product = ?4) AND (?5 IS NULL OR model = ?5)
                      GROUP BY 1, 2),
                    dearest AS (SELECT name FROM named GROUP BY name ORDER BY sum(cost) DESC, name LIMIT ?6)
                    SELECT day, CASE WHEN name IN (SELECT name FROM dearest) THEN name END, sum(cost)
                    FROM named GROUP BY 1, 2 ORDER BY 1, 2
                    """)
            return try Row.fetchAll(
                statement,
                arguments: [
                    Self.json(days), filter.team, filter.user, filter.product, filter.model, dearest,
                ]
            ).compactMap { row in
                UTCDay(row[0] as String).map { NamedSpend(day: $0, name: row[1], cost: MicroUSD(micros: row[2])) }
            }
        }
    }

    package func dearest(_ count: Int, by column: UsageColumn, in days: DayRange, where filter: UsageFilter)
        async throws(LedgerError) -> [UsageRow]
    {
        let name = column == .user ? "team || '/' || user" : column.rawValue
        let group = column == .user ? "team, user" : column.rawValue
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(name), \(Self.sums) FROM daily_summary
                    WHERE day IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR team = ?2)
                      AND (?3 IS NULL OR user = ?3) AND (?4 IS NULL OR product = ?4) AND (?5 IS NULL OR model = ?5)
                    GROUP BY \(group) ORDER BY sum(cost_micros) DESC, sum(calls) DESC, 1 LIMIT ?6
                    """)
            return try Row.fetchAll(
                statement,
                arguments: [
                    Self.json(days), filter.team, filter.user, filter.product, filter.model, count,
                ]
            ).map { UsageRow(name: $0[0], totals: UsageTotals($0, at: 1)) }
        }
    }

    package func totals(in days: DayRange, of selection: CallSelection, team: String?, user: String?)
        async throws(LedgerError) -> UsageTotals
    {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(Self.sums) FROM daily_summary
                    WHERE day IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR team = ?2)
                      AND (?3 IS NULL OR user = ?3)
                      AND (?4 IS NULL OR product IN (SELECT value FROM json_each(?4)))
                      AND (?5 IS NULL OR model IN (SELECT value FROM json_each(?5)))
                    """)
            let row = try Row.fetchOne(
                statement,
                arguments: [
                    Self.json(days), team, user, try Self.json(selection.products), try Self.json(selection.models),
                ])
            return row.map { UsageTotals($0, at: 0) } ?? .zero
        }
    }

    package func dayCalls(in days: DayRange) async throws(LedgerError) -> [DayCalls] {
        try await read { db in
            var counts: [DayCalls] = []
            for number in days.first.number...days.last.number {
                let day = UTCDay(number: number)
                let row = try Row.fetchOne(
                    db.cachedStatement(
                        sql: """
                            SELECT (SELECT coalesce(sum(calls), 0) FROM daily_summary WHERE day = ?1),
                              (SELECT coalesce(sum(denials), 0) FROM denial_count WHERE day = ?1)
                            """), arguments: [day.id])
                if let row { counts.append(DayCalls(day: day, calls: row[0], denials: row[1])) }
            }
            return counts
        }
    }

    /// Each day by itself, so that the sums are found by day and team.
    private static func json(_ days: DayRange) -> String {
        "["
            + (days.first.number...max(days.first.number, days.last.number)).map { "\"\(UTCDay(number: $0).id)\"" }
            .joined(separator: ",") + "]"
    }

    private static func json(_ names: Set<String>?) throws -> String? {
        guard let names else { return nil }
        return String(decoding: try JSONEncoder().encode(names.sorted()), as: UTF8.self)
    }
}
