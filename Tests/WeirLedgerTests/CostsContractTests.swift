import GRDB
import Testing
import WeirCore
import WeirLedger
import WeirTestSupport

@Suite struct CostsContractTests {
    @Test(arguments: LedgerKind.allCases)
    func `costs are told by day, team, user, product, endpoint and model`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([
                event("e1", team: "acme", user: "alice", cost: 5), event("e2", team: "acme", user: "bob", cost: 7),
                event("e3", team: "b", user: nil, product: "search", model: "m2", endpoint: "chat", cost: 100),
                event("e4", team: "old", cost: 1000, atMs: noonMs - 9 * UTCDay.lengthMs),
                event("e5", team: "acme", user: "alice", cost: 1, atMs: noonMs - UTCDay.lengthMs),
            ])
            let week = DayRange(first: UTCDay(number: today.number - 6), last: today)
            let costs = try await ledger.costs(in: week, top: 2)
            #expect(costs.teams.map(\.name) == ["b", "acme"] && costs.teams.map(\.totals.cost.micros) == [100, 13])
            #expect(costs.users.map(\.name) == ["b/", "acme/bob"])
            #expect(costs.kinds.map(\.day) == [UTCDay(number: today.number - 1).id, today.id, today.id])
            #expect(costs.kinds.map(\.totals.cost.micros) == [1, 100, 12])
            #expect(costs.kinds.map(\.endpoint) == ["messages", "chat", "messages"])
        }
    }

    @Test(arguments: [UInt64.random(in: 0 ... .max)])
    func `the coarser sums are those of daily_summary, whatever is done to it`(seed: UInt64) async throws {
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        try await withTemporaryDirectory { directory in
            let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
            // By hand, as with sqlite3.
            let hand = try DatabaseQueue(path: directory + "/weir.db")
            for step in 0..<200 {
                let who = ["a", "b"].randomElement(using: &random) ?? "a"
                switch Int.random(in: 0..<8, using: &random) {
                case 0..<5:
                    // Some ids come again: duplicates, and orphans that are replaced.
                    let outcome: UsageEvent.Outcome = Bool.random(using: &random) ? .orphaned : .completed
                    _ = try await ledger.ingest([
                        event(
                            "e\(Int.random(in: 0..<150, using: &random))", team: who,
                            user: Bool.random(using: &random) ? "u" : nil,
                            product: "p\(Int.random(in: 0..<2, using: &random))",
                            cost: Int.random(in: 0..<1000, using: &random), outcome: outcome,
                            atMs: noonMs + Int.random(in: 0..<2, using: &random) * UTCDay.lengthMs)
                    ])
                case 5:
                    try await hand.write {
                        try $0.execute(
                            sql: "UPDATE daily_summary SET cost_micros = cost_micros + 3 WHERE team = ?",
                            arguments: [who])
                    }
                case 6:
                    try await hand.write {
                        try $0.execute(
                            sql: "UPDATE daily_summary SET product = 'p' || ? WHERE product = 'p0'",
                            arguments: [step + 9])
                    }
                default:
                    try await hand.write {
                        try $0.execute(
                            sql: "DELETE FROM daily_summary WHERE team = ? AND product = 'p1'", arguments: [who])
                    }
                }
            }
            for (table, key) in [
                ("daily_user_summary", "day, team, user"), ("daily_kind_summary", "day, product, endpoint, model"),
            ] {
                let differences = try await hand.read { db in
                    let (own, sums) = (
                        "SELECT \(key), calls, errors, input_tokens, output_tokens, cost_micros FROM \(table)",
                        """
                        SELECT \(key), sum(calls), sum(errors), sum(input_tokens), sum(output_tokens), sum(cost_micros)
                        FROM daily_summary GROUP BY \(key)
                        """
                    )
                    return try Int.fetchOne(
                        db,
                        sql:
                            "SELECT count(*) FROM (SELECT * FROM (\(own) EXCEPT \(sums)) UNION ALL SELECT * FROM (\(sums) EXCEPT \(own)))"
                    )
                }
                #expect(differences == 0, "\(table)")
            }
            // What was changed by hand is found, and summed up again from the events.
            #expect(try await !ledger.verify().isEmpty)
            let days = try #require(try await ledger.recordedDays())
            var corrected = 0
            for number in days.first.number...days.last.number {
                corrected += try await ledger.rebuild(UTCDay(number: number), audit: audit("ledger.rebuild")).corrected
            }
            #expect(corrected > 0)
            #expect(try await ledger.verify().isEmpty)
            let lines = try await ledger.audit(AuditFilter(action: "ledger.rebuild"), before: nil, limit: 9)
            #expect(!lines.isEmpty && lines.allSatisfy { $0.entry.after?.hasSuffix("sums corrected") == true })
            for number in days.first.number...days.last.number {
                let again = try await ledger.rebuild(UTCDay(number: number), audit: audit("ledger.rebuild"))
                #expect(again.corrected == 0)
            }
            let after = try await ledger.audit(AuditFilter(action: "ledger.rebuild"), before: nil, limit: 9)
            #expect(after == lines)
            let total = try await ledger.costs(in: days, top: 5)
            let sum = try await ledger.total()
            #expect(total.kinds.reduce(0) { $0 + $1.totals.cost.micros } == sum.cost.micros)
            #expect(total.teams.reduce(0) { $0 + $1.totals.calls } == sum.calls)
            try hand.close()
            try await ledger.close()
        }
    }

    @Test func `an empty ledger costs nothing and has no days`() async throws {
        try await withLedger { ledger, _ in
            #expect(try await ledger.recordedDays() == nil)
            let costs = try await ledger.costs(in: everyDay, top: 5)
            #expect(costs.kinds.isEmpty && costs.teams.isEmpty && costs.users.isEmpty)
        }
    }
}
