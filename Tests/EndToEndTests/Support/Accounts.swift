import GRDB
import Testing
import WeirCore
import WeirProviders
import WeirTestSupport

/// A call that a test has made and knows to have been admitted.
struct MadeCall: Sendable {
    let person: Person
    let request: String
    var product = "default"
}

extension WitnessedCall {
    /// `messages`, `chat.completions`, …: what the ledger calls the endpoint.
    var ledgerEndpoint: String {
        switch endpoint {
        case "/v1/messages": "messages"
        case "/v1/messages/count_tokens": "messages.count_tokens"
        case "/v1/chat/completions": "chat.completions"
        default: isGemini ? "generate_content" : String(endpoint.dropFirst("/v1/".count))
        }
    }

    var provider: String { isGemini ? "gemini" : endpoint.hasPrefix("/v1/messages") ? "anthropic" : "openai" }

    private var isGemini: Bool { endpoint.hasPrefix("/v1beta/") }

    /// The price table's rates × what the provider counted, rounded up once. Written out, not asked of the product.
    func costMicros(_ prices: PriceTable) throws -> Int {
        if tokens.total == 0 { return 0 }
        let price = try #require(prices.price(provider: provider, model: model), "\(model) has no price").price
        let input = tokens.input + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h
        let rates = price.tiers.last { input > $0.aboveInputTokens }?.rates ?? price.base
        let sum =
            tokens.input * rates.input + tokens.cacheRead * rates.cacheRead + tokens.cacheWrite5m * rates.cacheWrite5m
            + tokens.cacheWrite1h * rates.cacheWrite1h + tokens.output * rates.output
        return (sum + 999_999) / 1_000_000
    }
}

extension Stack {
    /// Waits until every one of these calls has ended at the provider and stands in the ledger, and compares the ledger's
    /// rows, its sums and Redis's budgets with the provider's log, call by call. `calls` must be all that the teams made.
    func expectAccountsToMatchWitness(_ calls: [MadeCall], sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let byRequest = Dictionary(calls.map { ($0.request, $0) }) { $1 }
        #expect(
            byRequest.count == calls.count, "every call has a request id of its own", sourceLocation: sourceLocation)
        let teams = Set(calls.map(\.person.team))
        var witnessed: [String: WitnessedCall] = [:]
        try await eventually("every call in the ledger", within: .seconds(60)) {
            witnessed = try await self.witnessed(byRequest.keys)
            guard witnessed.values.allSatisfy({ $0.outcome != "open" }) else { return false }
            let written = try await self.events(teams: teams).map(\.request)
            return Set(written).isSuperset(of: witnessed.keys)
        }
        let events = try await events(teams: teams)
        #expect(events.count == witnessed.count, "rows for calls that the provider saw", sourceLocation: sourceLocation)
        let prices = try PriceTable.shipped()
        for event in events {
            let made = try #require(byRequest[event.request], "\(event.request) was not made")
            let seen = try #require(witnessed[event.request], "\(event.request) is not in the provider's log")
            let owner = [event.id, event.team, event.user, event.product]
            #expect(
                owner == [made.request, made.person.team, made.person.user, made.product],
                sourceLocation: sourceLocation)
            let call = [event.endpoint, event.provider, event.model]
            #expect(call == [seen.ledgerEndpoint, seen.provider, seen.model], sourceLocation: sourceLocation)
            #expect(event.tokens == seen.tokens, "\(event), seen as \(seen)", sourceLocation: sourceLocation)
            let isWhole = seen.outcome == "completed"
            #expect((event.outcome == "completed") == isWhole, "\(event)", sourceLocation: sourceLocation)
            #expect(try event.costMicros == seen.costMicros(prices), "\(event)", sourceLocation: sourceLocation)
            #expect(
                seen.key == "simulated-\(seen.provider)-key", "a provider is called with the operator's key",
                sourceLocation: sourceLocation)
        }
        try await expectSummaries(of: events, sourceLocation: sourceLocation)
        try await expectBudgets(byRequest, witnessed, prices, sourceLocation: sourceLocation)
    }

    func events(teams: Set<String>) async throws -> [LedgerEvent] {
        var events: [LedgerEvent] = []
        for team in teams { events += try await self.events(team: team) }
        return events
    }

    /// `events` have been compared with the witness.
    private func expectSummaries(of events: [LedgerEvent], sourceLocation: SourceLocation) async throws {
        struct Sum: Hashable {
            var calls = 0
            var errors = 0
            var tokens = 0
            var costMicros = 0
        }
        let teams = Set(events.map(\.team))
        var expected: [[String]: Sum] = [:]
        for event in events {
            let key = [event.day, event.team, event.user, event.product, event.endpoint, event.model]
            expected[key, default: Sum()].calls += 1
            expected[key, default: Sum()].errors += event.isOK ? 0 : 1
            expected[key, default: Sum()].tokens += event.tokens.total
            expected[key, default: Sum()].costMicros += event.costMicros
        }
        let summed = try await ledger { db in
            var sums: [[String]: Sum] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT * FROM daily_summary") where teams.contains(row["team"]) {
                let key: [String] = [
                    row["day"], row["team"], row["user"], row["product"], row["endpoint"], row["model"],
                ]
                let kinds = [
                    "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
                    "output_tokens",
                ]
                sums[key] = Sum(
                    calls: row["calls"], errors: row["errors"], tokens: kinds.reduce(0) { $0 + (row[$1] as Int) },
                    costMicros: row["cost_micros"])
            }
            return sums
        }
        #expect(summed == expected, "daily_summary", sourceLocation: sourceLocation)
        // The view covers all teams: it must agree with all rows.
        let wrongDays = try await ledger { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT summary_date FROM api_daily_summary AS view FULL JOIN (
                      SELECT date(called_at / 1000, 'unixepoch') AS day, count(*) AS calls, sum(cost_micros) AS micros
                      FROM usage_event GROUP BY 1) AS sum ON sum.day = view.summary_date
                    WHERE total_calls IS NOT calls
                      OR CAST(replace(total_cost_usd, '.', '') AS INTEGER) IS NOT micros
                    """)
        }
        #expect(wrongDays == [], "api_daily_summary", sourceLocation: sourceLocation)
    }

    private func expectBudgets(
        _ calls: [String: MadeCall], _ witnessed: [String: WitnessedCall], _ prices: PriceTable,
        sourceLocation: SourceLocation
    ) async throws {
        var tokens: [String: Int] = [:]
        var micros: [String: Int] = [:]
        for (request, seen) in witnessed {
            guard let made = calls[request], made.product == "default" else { continue }
            let subject = "user:\(made.person.team)/\(made.person.user)"
            tokens[subject, default: 0] += seen.tokens.total
            micros[subject, default: 0] += try seen.costMicros(prices)
        }
        for subject in tokens.keys {
            let owed = [Budget(settled: tokens[subject] ?? 0), Budget(settled: micros[subject] ?? 0)]
            // A client that has gone knows nothing of its call's settlement, and what Redis has lost comes by the ledger.
            do {
                try await eventually("budgets of \(subject)", within: .seconds(30)) {
                    try await [self.budget("day-tokens", subject), self.budget("spend", subject)] == owed
                }
            } catch is ConditionNotMet {
                let held = try await [budget("day-tokens", subject), budget("spend", subject)]
                #expect(held == owed, "tokens and money of \(subject)", sourceLocation: sourceLocation)
            }
        }
    }

    struct Budget: Equatable {
        var settled = 0
        var reserved = 0
    }

    /// What Redis holds of a limit for a subject, all periods together.
    func budget(_ limit: String, _ subject: String) async throws -> Budget {
        var budget = Budget()
        for key in try await keys("weir:{*}:budget:\(limit):\(subject):*") {
            budget.settled += Int(try await redisCLI("HGET", key, "settled")) ?? 0
            budget.reserved += Int(try await redisCLI("HGET", key, "reserved")) ?? 0
        }
        return budget
    }

    func keys(_ pattern: String) async throws -> [String] {
        try await redisCLI("--scan", "--pattern", pattern).split(separator: "\n").map(String.init)
    }
}
