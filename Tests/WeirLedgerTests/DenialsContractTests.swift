import Testing
import WeirCore
import WeirLedger

@Suite struct DenialsContractTests {
    private func count(
        _ count: Int, node: String = "n1", day: UTCDay = today, team: String = "acme", user: String? = "alice",
        limit: String? = "calls", reason: String = "rate_limited"
    ) -> DenialCount {
        DenialCount(
            key: DenialKey(day: day, team: team, user: user, limit: limit, reason: reason), node: node, count: count)
    }

    private func told(_ ledger: any LedgerStore, days: DayRange = everyDay, team: String? = nil) async throws
        -> [String]
    {
        try await ledger.denials(in: days, team: team).map {
            "\($0.team)/\($0.user ?? "-") \($0.limit ?? "-") \($0.reason) \($0.denials)"
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `counts of nodes add up, and written again or late they change nothing`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            #expect(try await told(ledger) == [])
            for counts in [
                [count(2), count(3, node: "n2")], [count(5)], [count(5)], [count(4)], [],
                [count(1, user: nil, limit: nil, reason: "kill_switch"), count(7, team: "globex")],
            ] {
                try await ledger.recordDenials(counts)
            }
            #expect(
                try await told(ledger) == [
                    "acme/alice calls rate_limited 8", "globex/alice calls rate_limited 7", "acme/- - kill_switch 1",
                ])
            #expect(try await told(ledger, team: "globex") == ["globex/alice calls rate_limited 7"])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `denials are summed over the days asked for`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let yesterday = UTCDay(number: today.number - 1)
            try await ledger.recordDenials([count(2), count(3, day: yesterday)])
            #expect(try await told(ledger) == ["acme/alice calls rate_limited 5"])
            #expect(
                try await told(ledger, days: DayRange(first: yesterday, last: yesterday)) == [
                    "acme/alice calls rate_limited 3"
                ])
        }
    }
}
