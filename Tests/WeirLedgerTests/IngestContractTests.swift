import Testing
import WeirCore
import WeirLedger

@Suite struct IngestContractTests {
    @Test(arguments: LedgerKind.allCases)
    func `an event is written once, however often it comes`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let batch = (0..<50).map { event("e\($0)", cost: $0) }
            #expect(try await ledger.ingest(batch) == IngestResult(inserted: 50))
            #expect(try await ledger.ingest(batch.reversed()) == IngestResult(duplicates: 50))
            #expect(
                try await ledger.ingest([event("e7"), event("new", cost: 1), event("new", cost: 1)])
                    == IngestResult(inserted: 1, duplicates: 2))
            let total = try await ledger.total()
            #expect(total.calls == 51)
            #expect(total.cost.micros == (0..<50).reduce(1, +))
            #expect(try await ledger.verify() == [])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a final event replaces an orphaned one and the sums change by the difference`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let orphan = event("a", cost: 700, input: 9, output: 1, isOK: false, outcome: .orphaned)
            // Observed late: the final one may name another model, and even another day.
            let final = event("a", model: "claude-opus-4", cost: 500, input: 9, output: 4)
            _ = try await ledger.ingest([orphan, event("b", cost: 1)])
            #expect(try await ledger.total().cost.micros == 701)
            #expect(try await ledger.ingest([final]) == IngestResult(replaced: 1))
            let after = try await ledger.total()
            #expect(
                after == UsageTotals(calls: 2, tokens: TokenUsage(input: 19, output: 9), cost: MicroUSD(micros: 501)))
            #expect(try await ledger.ingest([final, orphan]) == IngestResult(duplicates: 2))
            #expect(try await ledger.total() == after)
            #expect(try await ledger.usage(by: .model, in: everyDay, where: UsageFilter()).map(\.name).count == 2)
            #expect(try await ledger.verify() == [])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `an orphaned event never replaces a final one, nor another orphaned one`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([event("a", cost: 500), event("b", cost: 40, outcome: .orphaned)])
            let late = [event("a", cost: 900, outcome: .orphaned), event("b", cost: 41, outcome: .orphaned)]
            #expect(try await ledger.ingest(late) == IngestResult(duplicates: 2))
            #expect(try await ledger.total().cost.micros == 540)
            // Both in one batch, in both orders.
            _ = try await ledger.ingest([event("c", cost: 1, outcome: .orphaned), event("c", cost: 100)])
            _ = try await ledger.ingest([event("d", cost: 200), event("d", cost: 1, outcome: .orphaned)])
            #expect(try await ledger.total().cost.micros == 840)
            #expect(try await ledger.verify() == [])
        }
    }

    /// Any history of deliveries, in batches of any size, with repeats, in any order, ends in the same ledger.
    @Test(arguments: LedgerKind.allCases, 0..<8)
    func `sums are the sum of the events after any history`(kind: LedgerKind, round: Int) async throws {
        let seed = round == 0 ? UInt64.random(in: .min ... .max) : UInt64(round)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let ids = 120
        var produced: [UsageEvent] = []
        var expected: [String: UsageEvent] = [:]
        for number in 0..<ids {
            let id = "id-\(number)"
            func make(_ outcome: UsageEvent.Outcome) -> UsageEvent {
                event(
                    id, team: "team-\(Int.random(in: 0..<4, using: &random))",
                    user: Bool.random(using: &random) ? nil : "u\(Int.random(in: 0..<3, using: &random))",
                    product: ["a", "b"].randomElement(using: &random)!,
                    model: ["m1", "m2", "m3"].randomElement(using: &random)!,
                    cost: Int.random(in: 0..<5_000, using: &random), input: Int.random(in: 0..<900, using: &random),
                    isOK: Bool.random(using: &random), outcome: outcome,
                    atMs: noonMs + Int.random(in: -3...3, using: &random) * 43_200_000)
            }
            let final = make(.completed)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let orphan = make(.orphaned)
                produced += [orphan, final]
                expected[id] = final
            case 1:
                let orphan = make(.orphaned)
                produced.append(orphan)
                expected[id] = orphan
            default:
                produced.append(final)
                expected[id] = final
            }
        }
        try await withLedger(kind) { ledger, _ in
            var deliveries = produced + produced.filter { _ in Bool.random(using: &random) }
            deliveries.shuffle(using: &random)
            while !deliveries.isEmpty {
                let count = min(deliveries.count, Int.random(in: 1...40, using: &random))
                _ = try await ledger.ingest(Array(deliveries.prefix(count)))
                deliveries.removeFirst(count)
            }
            #expect(try await ledger.verify() == [], "seed \(seed)")
            var sums: [String: UsageTotals] = [:]
            for event in expected.values { sums[event.team, default: .zero] += UsageTotals(event) }
            let teams = try await ledger.spend(by: .team, in: everyDay, of: .all)
            #expect(Dictionary(uniqueKeysWithValues: teams.map { ($0.team!, $0.totals) }) == sums, "seed \(seed)")
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `two processes on one ledger write each event once`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, open in
            let other = try open()
            let events = (0..<400).map { event("e\($0)", cost: $0) }
            let inserted = try await withThrowingTaskGroup(of: Int.self) { group in
                for store in [ledger, other, ledger, other] {
                    group.addTask {
                        var count = 0
                        for start in stride(from: 0, to: events.count, by: 20) {
                            count += try await store.ingest(Array(events[start..<start + 20])).inserted
                        }
                        return count
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(inserted == 400)
            #expect(try await ledger.total().calls == 400)
            #expect(try await other.verify() == [])
            try await other.close()
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a cancelled batch stands whole or not at all, and can be repeated`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            for round in 0..<30 {
                let batch = (0..<100).map { event("\(round)-\($0)", cost: 1) }
                let before = try await ledger.total().calls
                let task = Task { try? await ledger.ingest(batch) }
                if round % 3 != 0 { try await Task.sleep(for: .microseconds(round * 100)) }
                task.cancel()
                _ = await task.value
                let between = try await ledger.total().calls
                #expect(between == before || between == before + 100)
                _ = try await ledger.ingest(batch)
                #expect(try await ledger.total().calls == before + 100)
            }
            #expect(try await ledger.verify() == [])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a batch with a number out of range is refused whole`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            for bad in [
                event("x", cost: -1), event("x", cost: .max), event("x", input: (1 << 50) + 1), event("x", atMs: -1),
                event("x", atMs: 253_402_300_800_000), event("x", team: ""), event(""),
            ] {
                let error = await #expect(throws: LedgerError.self) { try await ledger.ingest([event("good"), bad]) }
                guard case .invalid = error else { throw error! }
            }
            #expect(try await ledger.total() == .zero)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `sums stop at their bound instead of blocking the ledger`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let events = (0..<20).map { event("e\($0)", cost: UsageEvent.largestForLedger) }
            for event in events { _ = try await ledger.ingest([event]) }
            #expect(try await ledger.total().cost.micros == Int.largestExact)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a dead letter is kept once, with its bytes`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let letter = DeadLetter(
                stream: "weir:{00}:usage", streamID: "5-1", raw: [0, 255, 10, 39], error: "no JSON", seenAtMs: noonMs)
            // After a failover Redis gives the same stream id to another entry.
            var other = letter
            other.raw = [1]
            #expect(try await ledger.ingest([event("a")], deadLetters: [letter]) == .init(inserted: 1, deadLetters: 1))
            #expect(
                try await ledger.ingest([event("a")], deadLetters: [letter, other])
                    == .init(duplicates: 1, deadLetters: 1))
            #expect(try await ledger.deadLetters(limit: 10) == [other, letter])
        }
    }
}
