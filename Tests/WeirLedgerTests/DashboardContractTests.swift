import Testing
import WeirCore
import WeirLedger
import WeirTestSupport

/// What the dashboard asks, compared with sums made by hand.
@Suite struct DashboardContractTests {
    private static let day = UTCDay(year: 2026, month: 11, day: 21)

    private func event(
        _ id: String, day: UTCDay = day, team: String = "acme", user: String? = "alice", product: String = "p",
        model: String = "m", micros: Int = 1, atMs: Int = 0, outcome: UsageEvent.Outcome = .completed
    ) -> UsageEvent {
        UsageEvent(
            id: id, calledAtMs: day.startMs + atMs, team: team, user: user, key: "wk_\(team)", product: product,
            billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic", requestedModel: model,
            model: model, tokens: TokenUsage(input: 10), cost: MicroUSD(micros: micros), priceVersion: "v1",
            outcome: outcome)
    }

    @Test func `the dearest names have their own sums, the others one together`() async throws {
        try await withLedger { ledger, _ in
            let yesterday = UTCDay(number: Self.day.number - 1)
            _ = try await ledger.ingest(
                [
                    event("1", product: "a", micros: 100), event("2", product: "a", micros: 1),
                    event("3", day: yesterday, product: "b", micros: 50), event("4", product: "c", micros: 7),
                    event("5", product: "d", micros: 2), event("6", team: "other", product: "a", micros: 1000),
                ], deadLetters: [])
            let days = DayRange(first: yesterday, last: Self.day)
            let rows = try await ledger.spendByDay(by: .product, in: days, where: UsageFilter(team: "acme"), dearest: 2)
            func row(_ day: UTCDay, _ name: String?, _ micros: Int) -> NamedSpend {
                NamedSpend(day: day, name: name, cost: MicroUSD(micros: micros))
            }
            #expect(Set(rows) == [row(Self.day, "a", 101), row(yesterday, "b", 50), row(Self.day, nil, 9)])
            let dearest = try await ledger.dearest(2, by: .product, in: days, where: UsageFilter())
            #expect(dearest.map(\.name) == ["a", "b"] && dearest.first?.totals.cost.micros == 1101)
            let users = try await ledger.dearest(9, by: .user, in: days, where: UsageFilter(team: "other"))
            #expect(users.map(\.name) == ["other/alice"])
        }
    }

    @Test func `totals are of everybody, a team, a user, and of chosen products and models`() async throws {
        try await withLedger { ledger, _ in
            _ = try await ledger.ingest(
                [
                    event("1", micros: 1), event("2", user: nil, micros: 10), event("3", team: "b", micros: 100),
                    event("4", product: "q", model: "n", micros: 1000),
                ], deadLetters: [])
            let days = DayRange(first: Self.day, last: Self.day)
            func total(_ team: String?, _ user: String?, _ of: CallSelection = .all) async throws -> Int {
                try await ledger.totals(in: days, of: of, team: team, user: user).cost.micros
            }
            #expect(try await total(nil, nil) == 1111)
            #expect(try await total("acme", nil) == 1011)
            #expect(try await total("acme", "alice") == 1001)
            #expect(try await total(nil, nil, CallSelection(products: ["q"])) == 1000)
            #expect(try await total(nil, nil, CallSelection(products: [])) == 0)
            #expect(try await total(nil, nil, CallSelection(models: ["m"])) == 111)
            #expect(try await total("nobody", nil) == 0)
        }
    }

    @Test func `a day's calls and denials are told, and of a day without any, nothing`() async throws {
        try await withLedger { ledger, _ in
            _ = try await ledger.ingest([event("1"), event("2")], deadLetters: [])
            let key = DenialKey(day: Self.day, team: "acme", limit: "x", reason: "rate_limited")
            try await ledger.recordDenials([
                DenialCount(key: key, node: "n1", count: 3), DenialCount(key: key, node: "n2", count: 4),
            ])
            let counts = try await ledger.dayCalls(
                in: DayRange(first: Self.day, last: UTCDay(number: Self.day.number + 1)))
            #expect(counts.map(\.calls) == [2, 0] && counts.map(\.denials) == [7, 0])
        }
    }
}
