import WeirCore
import WeirLedger

/// Usage of some days, by one column.
package struct UsageAnswer: AdminList {
    package var by: String
    /// UTC days, both included.
    package var from: String
    package var to: String
    package var rows: [UsageLine]
    /// Of all rows, whatever the page.
    package var total: UsageLine
    package var nextCursor: String?

    package var items: [UsageLine] {
        get { rows }
        set { rows = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case by, from, to, rows, total
        case nextCursor = "next_cursor"
    }
}

/// The usage of one team, user, model, product, endpoint or day; or of all.
package struct UsageLine: Codable, Sendable, Equatable {
    package var name: String
    package var calls: Int
    package var errors: Int
    package var inputTokens: Int
    package var cacheReadTokens: Int
    package var cacheWrite5mTokens: Int
    package var cacheWrite1hTokens: Int
    package var outputTokens: Int
    package var reasoningTokens: Int
    package var costMicros: Int
    /// The same in dollars, exactly: decimal text.
    package var costUSD: String

    init(name: String, totals: UsageTotals) {
        self.name = name
        calls = totals.calls
        errors = totals.errors
        inputTokens = totals.tokens.input
        cacheReadTokens = totals.tokens.cacheRead
        cacheWrite5mTokens = totals.tokens.cacheWrite5m
        cacheWrite1hTokens = totals.tokens.cacheWrite1h
        outputTokens = totals.tokens.output
        reasoningTokens = totals.tokens.reasoning
        costMicros = totals.cost.micros
        costUSD = totals.cost.description
    }

    enum CodingKeys: String, CodingKey {
        case name, calls, errors
        case inputTokens = "input_tokens"
        case cacheReadTokens = "cache_read_tokens"
        case cacheWrite5mTokens = "cache_write_5m_tokens"
        case cacheWrite1hTokens = "cache_write_1h_tokens"
        case outputTokens = "output_tokens"
        case reasoningTokens = "reasoning_tokens"
        case costMicros = "cost_micros"
        case costUSD = "cost_usd"
    }
}
