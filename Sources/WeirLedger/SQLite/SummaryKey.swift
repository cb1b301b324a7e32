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

    /// The order of the table, as far as the users: those of one user stand together.
    func precedes(_ other: SummaryKey) -> Bool {
        if day != other.day { return day < other.day }
        return team == other.team ? user < other.user : team < other.team
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

    /// In the order of ``SQLiteSchema/totals``; what is beyond the largest sum as that.
    func bind(to statement: BoundStatement) {
        for total in [
            calls, errors, tokens.input, tokens.cacheRead, tokens.cacheWrite5m, tokens.cacheWrite1h, tokens.output,
            tokens.reasoning, cost.micros,
        ] { statement.bind(min(total, Int.largestExact)) }
    }
}
