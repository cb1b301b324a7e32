import GRDB
import WeirCore

/// What a transaction adds to the days' sums, gathered in memory: each sum is written once, however many of its events
/// there are.
///
/// It writes the coarser sums as well, and lets the triggers rest that keep them otherwise: they would work for each row of
/// `daily_summary`, which of a batch are thousands, while the coarser rows are hundreds.
struct SummaryChanges {
    private var changes: [SummaryKey: UsageTotals] = [:]

    mutating func add(_ totals: UsageTotals, at key: SummaryKey) { changes[key, default: .zero] += totals }
    mutating func subtract(_ totals: UsageTotals, at key: SummaryKey) { changes[key, default: .zero] -= totals }

    private struct UserKey: Hashable {
        let day: UTCDay
        let team, user: String
    }

    private struct KindKey: Hashable {
        let day: UTCDay
        let product, endpoint, model: String
    }

    func write(to db: Database) throws {
        // In the order of the tables, so that rows of one page are written together.
        let changes = changes.lazy.filter { $0.value != .zero }.sorted { $0.key.precedes($1.key) }
        guard !changes.isEmpty else { return }
        try db.cachedStatement(sql: SQLiteSchema.restTriggers).execute()
        let sum = try BoundStatement(db, sql: Self.add("daily_summary", SummaryKey.columns))
        var users: [(key: UserKey, totals: UsageTotals)] = []
        var kinds: [KindKey: UsageTotals] = [:]
        for (key, totals) in changes {
            sum.bind(key.day.id)
            for text in [key.team, key.user, key.product, key.endpoint, key.model] { sum.bind(text) }
            totals.bind(to: sum)
            try sum.write()
            let user = UserKey(day: key.day, team: key.team, user: key.user)
            // All of a user stand together.
            if let last = users.indices.last, users[last].key == user {
                users[last].totals += totals
            } else {
                users.append((user, totals))
            }
            let kind = KindKey(day: key.day, product: key.product, endpoint: key.endpoint, model: key.model)
            kinds[kind, default: .zero] += totals
        }
        let byUser = try BoundStatement(db, sql: Self.add(SQLiteSchema.byUser.table, SQLiteSchema.byUser.key))
        for (key, totals) in users where totals != .zero {
            for text in [key.day.id, key.team, key.user] { byUser.bind(text) }
            totals.bind(to: byUser)
            try byUser.write()
        }
        let byKind = try BoundStatement(db, sql: Self.add(SQLiteSchema.byKind.table, SQLiteSchema.byKind.key))
        for (key, totals) in kinds where totals != .zero {
            for text in [key.day.id, key.product, key.endpoint, key.model] { byKind.bind(text) }
            totals.bind(to: byKind)
            try byKind.write()
        }
        try db.cachedStatement(sql: SQLiteSchema.wakeTriggers).execute()
        // Only an orphan's replacement takes calls away, and may leave nothing of a sum. The triggers do the same to the
        // coarser ones.
        for (key, totals) in changes where totals.calls < 0 {
            try db.cachedStatement(sql: Self.removeEmpty).execute(
                arguments: [key.day.id, key.team, key.user, key.product, key.endpoint, key.model])
        }
    }

    /// Adds to a sum. It stops at 2^53 - 1 instead of overflowing, so that nobody can block the ledger with absurd events.
    private static func add(_ table: String, _ key: [String]) -> String {
        let columns = key + SQLiteSchema.totals
        let sums = SQLiteSchema.totals.map { "\($0) = min(\($0) + excluded.\($0), \(Int.largestExact))" }
        return """
            INSERT INTO \(table) (\(columns.joined(separator: ", ")))
            VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
            ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE SET \(sums.joined(separator: ", "))
            """
    }

    private static let removeEmpty = """
        DELETE FROM daily_summary
        WHERE day = ? AND team = ? AND user = ? AND product = ? AND endpoint = ? AND model = ? AND calls = 0
        """
}
