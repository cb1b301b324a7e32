import WeirCore

/// Calls and what they used and cost, summed.
package struct UsageTotals: Sendable, Hashable {
    package var calls: Int
    /// Calls whose answer was not a success.
    package var errors: Int
    package var tokens: TokenUsage
    package var cost: MicroUSD

    package static let zero = UsageTotals()

    package init(calls: Int = 0, errors: Int = 0, tokens: TokenUsage = .zero, cost: MicroUSD = .zero) {
        self.calls = calls
        self.errors = errors
        self.tokens = tokens
        self.cost = cost
    }

    package init(_ event: UsageEvent) {
        self.init(calls: 1, errors: event.isOK ? 0 : 1, tokens: event.tokens, cost: event.cost)
    }

    package static func += (left: inout UsageTotals, right: UsageTotals) { left.add(right, sign: 1) }
    package static func -= (left: inout UsageTotals, right: UsageTotals) { left.add(right, sign: -1) }

    /// Every number of an event is below 2^50 (``UsageEvent/faultForLedger``), so no sum of a batch comes near overflow;
    /// it saturates all the same.
    private mutating func add(_ other: UsageTotals, sign: Int) {
        func sum(_ left: Int, _ right: Int) -> Int { left.addingSaturated(sign < 0 ? 0 - right : right) }
        calls = sum(calls, other.calls)
        errors = sum(errors, other.errors)
        tokens.input = sum(tokens.input, other.tokens.input)
        tokens.cacheRead = sum(tokens.cacheRead, other.tokens.cacheRead)
        tokens.cacheWrite5m = sum(tokens.cacheWrite5m, other.tokens.cacheWrite5m)
        tokens.cacheWrite1h = sum(tokens.cacheWrite1h, other.tokens.cacheWrite1h)
        tokens.output = sum(tokens.output, other.tokens.output)
        tokens.reasoning = sum(tokens.reasoning, other.tokens.reasoning)
        cost.micros = sum(cost.micros, other.cost.micros)
    }

    /// In the integers of a limit's unit; nil for a unit that is not summed.
    package func amount(in unit: Limit.Unit) -> Int? {
        switch unit {
        case .requests: calls
        case .tokens: tokens.total
        case .usd: cost.micros
        case .concurrency: nil
        }
    }
}
