import GRDB
import WeirCore

/// The key of a row of `daily_summary`.
struct SummaryKey: Hashable {
    static let columns = ["day", "team", "user", "product", "endpoint", "model"]

    let day: UTCDay
    let team: String
    /// Empty for calls without a user.
    let user: String
    let product: String
    let endpoint: String
    let model: String

    init(_ event: UsageEvent) {
        day = UTCDay(containingMs: event.calledAtMs)
        team = event.team
        user = event.user ?? ""
        product = event.product
        endpoint = event.endpoint
        model = event.model
    }

    /// From `called_at` and the key's other columns.
    init(_ row: Row) {
        day = UTCDay(containingMs: row[0])
        team = row[1]
        user = row[2] ?? ""
        product = row[3]
        endpoint = row[4]
        model = row[5]
    }

    var values: [DatabaseValue] {
        [
            day.id.databaseValue, team.databaseValue, user.databaseValue, product.databaseValue,
            endpoint.databaseValue, model.databaseValue,
        ]
    }
}

extension UsageTotals {
    /// From the columns ``SQLiteSchema/totals``, of which the first is at `start`.
    init(_ row: Row, at start: Int) {
        self.init(
            calls: row[start], errors: row[start + 1],
            tokens: TokenUsage(
                input: row[start + 2], cacheRead: row[start + 3], cacheWrite5m: row[start + 4],
                cacheWrite1h: row[start + 5], output: row[start + 6], reasoning: row[start + 7]),
            cost: MicroUSD(micros: row[start + 8]))
    }

    /// In the order of ``SQLiteSchema/totals``.
    var values: [DatabaseValue] {
        [
            calls.databaseValue, errors.databaseValue, tokens.input.databaseValue, tokens.cacheRead.databaseValue,
            tokens.cacheWrite5m.databaseValue, tokens.cacheWrite1h.databaseValue, tokens.output.databaseValue,
            tokens.reasoning.databaseValue, cost.micros.databaseValue,
        ]
    }
}

/// The statements that change `daily_summary`.
enum DailySummaryStatements {
    /// Adds to a sum. It stops at 2^53 - 1 instead of overflowing, so that nobody can block the ledger with absurd events.
    static let add: String = {
        let columns = SummaryKey.columns + SQLiteSchema.totals
        let sums = SQLiteSchema.totals.map { "\($0) = min(\($0) + excluded.\($0), \(Int.largestExact))" }
        return """
            INSERT INTO daily_summary (\(columns.joined(separator: ", ")))
            VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
            ON CONFLICT (\(SummaryKey.columns.joined(separator: ", "))) DO UPDATE SET \(sums.joined(separator: ", "))
            """
    }()

    static let removeEmpty = """
        DELETE FROM daily_summary
        WHERE day = ? AND team = ? AND user = ? AND product = ? AND endpoint = ? AND model = ? AND calls = 0
        """
}
