import Testing
import WeirCore
import WeirLedger

/// Rates in micro-dollars per token.
func price(
    _ model: String, perToken: Int, from: String? = nil, provider: String = "anthropic", batchPercent: Int? = nil
) -> ModelPrice {
    let rate = perToken * 1_000_000
    return ModelPrice(
        provider: provider, model: model, validFrom: from.flatMap { UTCDay($0) },
        price: Price(
            base: .init(input: rate, cacheRead: rate, cacheWrite5m: rate, cacheWrite1h: rate, output: rate),
            batchPercent: batchPercent),
        contextWindow: 1, maxOutputTokens: 1, source: "test")
}

@Suite struct PricesContractTests {
    @Test(arguments: LedgerKind.allCases)
    func `prices are added under growing numbers, kept in order, and published anew`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, again in
            #expect(try await ledger.addedPrices() == .none)
            #expect(try await ledger.addedPrices().published() == nil)
            let before = try await ledger.revision()
            let first = [price("b", perToken: 1, from: "2026-11-01"), price("a", perToken: 2, from: "2026-11-01")]
            let second = [price("b", perToken: 3, from: "2026-11-01")]
            #expect(try await ledger.appendPrices(first, audit: audit("prices.add")) == 1)
            #expect(try await ledger.appendPrices(second, audit: audit("prices.add")) == 2)
            #expect(try await ledger.revision() > before)
            #expect(try await ledger.audit(limit: 9).map(\.action) == ["prices.add", "prices.add"])
            let expected = AddedPrices(version: 2, models: first + second)
            #expect(try await ledger.addedPrices() == expected)
            let other = try again()
            #expect(try await other.addedPrices() == expected)
            #expect(try await other.addedPrices().published() == expected.json())
            try await other.close()
        }
    }

    /// Without a history: 100 micro-dollars a token, and 300 from 2026-11-21 on.
    private func reprice(
        _ ledger: any LedgerStore, _ history: PriceHistory? = nil, dryRun: Bool = false, days: DayRange = everyDay
    ) async throws -> RepriceResult {
        let standard = [price("m", perToken: 100), price("m", perToken: 300, from: "2026-11-21")]
        return try await ledger.reprice(
            days, by: history ?? PriceHistory(version: "v2", models: standard), dryRun: dryRun,
            audit: audit("ledger.reprice"))
    }

    @Test(arguments: LedgerKind.allCases)
    func `repricing adds the difference once, into the sums of the call's own day, and changes no event`(
        kind: LedgerKind
    ) async throws {
        try await withLedger(kind) { ledger, _ in
            // 15 tokens each: 1,500 before the 21st, 4,500 from then on.
            _ = try await ledger.ingest([
                event("cheap", model: "m", cost: 1_000), event("dear", user: nil, model: "m", cost: 9_000),
                event("right", model: "m", cost: 4_500),
                event("before", model: "m", cost: 1_000, atMs: noonMs - UTCDay.lengthMs),
                event("unknown", model: "x", cost: 7), event("free", model: "x", cost: 0, input: 0, output: 0),
            ])
            let before = try await ledger.total()
            let expected = RepriceResult(events: 5, corrected: 3, unpriced: 1, differenceMicros: 3_500 - 4_500 + 500)
            #expect(try await reprice(ledger, dryRun: true) == expected)
            #expect(try await ledger.total() == before)
            #expect(try await ledger.audit(limit: 1).isEmpty)

            #expect(try await reprice(ledger) == expected)
            #expect(try await ledger.verify() == [])
            var after = before
            after.cost.micros -= 500
            #expect(try await ledger.total() == after)
            let days = try await ledger.usage(by: .day, in: everyDay, where: UsageFilter())
            #expect(days.map(\.totals.cost.micros) == [1_500, 4_500 * 3 + 7])
            #expect(days.map(\.totals.calls) == [1, 5])
            #expect(try await ledger.audit(limit: 1).first?.after == "3 calls, -500 micro-dollars")

            let again = RepriceResult(events: 5, corrected: 0, unpriced: 1, differenceMicros: 0)
            #expect(try await reprice(ledger) == again)
            #expect(try await ledger.total() == after)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `repriced by one table after the other, a call ends at the last`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([event("1", model: "m", cost: 1)])
            for perToken in [7, 2, 2, 90] {
                let history = try PriceHistory(version: "v\(perToken)", models: [price("m", perToken: perToken)])
                _ = try await reprice(ledger, history)
                #expect(try await ledger.total().cost.micros == 15 * perToken)
                #expect(try await ledger.verify() == [])
            }
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a search lists corrections, or adds them to the cost of their call`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([event("1", model: "m", cost: 1), event("2", model: "m", cost: 30)])
            for perToken in [7, 2] {
                _ = try await reprice(
                    ledger, try PriceHistory(version: "v\(perToken)", models: [price("m", perToken: perToken)]))
            }
            func rows(_ corrections: EventFilter.Corrections) async throws -> [EventRow] {
                let filter = EventFilter(fromMs: noonMs, toMs: noonMs + 1, corrections: corrections)
                return try await ledger.events(filter, before: nil, limit: 9).rows
            }
            let added = try await rows(.added)
            #expect(added.map(\.event.id) == ["2", "1"] && added.map(\.event.cost.micros) == [30, 30])
            let listed = try await rows(.listed)
            #expect(listed.map(\.event.id) == ["2:2", "2:1", "2", "1:2", "1:1", "1"])
            #expect(listed.map(\.event.cost.micros) == [-75, 75, 30, -75, 104, 1])
            #expect(listed.map(\.corrects) == ["2", "2", nil, "1", "1", nil])
            #expect(
                listed.map(\.outcome) == ["repriced", "repriced", "completed", "repriced", "repriced", "completed"])
            #expect(listed[1].event.extra == ["corrected_price_version": "1", "repriced_at": "\(noonMs)"])
            let one = try #require(try await ledger.event(id: "1"))
            #expect(one.event.event.cost.micros == 1 && one.corrections.map(\.event.priceVersion) == ["v7", "v2"])
            #expect(try await ledger.event(id: "1:2")?.event.corrects == "1")
            #expect(try await ledger.event(id: "3") == nil)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `only the days asked for are repriced`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let start = today.startMs
            _ = try await ledger.ingest([
                event("early", model: "m", cost: 0, atMs: start - 1), event("first", model: "m", cost: 0, atMs: start),
                event("last", model: "m", cost: 0, atMs: start + UTCDay.lengthMs - 1),
                event("late", model: "m", cost: 0, atMs: start + UTCDay.lengthMs),
            ])
            let result = try await reprice(ledger, days: DayRange(first: today, last: today))
            #expect(result.events == 2 && result.corrected == 2)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a batch call is repriced as one, and an option without a price stays as it was charged`(
        kind: LedgerKind
    ) async throws {
        try await withLedger(kind) { ledger, _ in
            var batch = event("batch", model: "m", cost: 0)
            batch.extra["batch"] = "true"
            var odd = event("odd", model: "m", cost: 77)
            odd.extra[UsageEvent.unpricedOption] = "service_tier"
            _ = try await ledger.ingest([batch, odd])
            let history = try PriceHistory(version: "v", models: [price("m", perToken: 100, batchPercent: 50)])
            #expect(
                try await reprice(ledger, history)
                    == RepriceResult(events: 2, corrected: 1, unpriced: 1, differenceMicros: 750))
            #expect(try await ledger.total().cost.micros == 750 + 77)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `what replaces an orphan that was repriced takes the place of its corrections, too`(
        kind: LedgerKind
    ) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([event("1", model: "m", cost: 1, isOK: false, outcome: .orphaned)])
            _ = try await reprice(ledger)
            #expect(try await ledger.total().cost.micros == 4_500)
            #expect(try await ledger.ingest([event("1", model: "m", cost: 10)]) == IngestResult(replaced: 1))
            #expect(try await ledger.total().cost.micros == 10)
            #expect(try await ledger.total().calls == 1)
            #expect(try await ledger.verify() == [])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `events are exported in order of time, each once however the pages fall, corrections included`(
        kind: LedgerKind
    ) async throws {
        try await withLedger(kind) { ledger, _ in
            let start = today.startMs
            _ = try await ledger.ingest([
                event("b", model: "m", atMs: start), event("a", model: "m", atMs: start), event("c", atMs: start + 5),
                event("before", atMs: start - 1), event("after", atMs: start + UTCDay.lengthMs),
            ])
            _ = try await reprice(ledger, days: DayRange(first: today, last: today))
            for size in 1...6 {
                var ids: [String] = []
                var place: ExportedEvent.Place?
                while true {
                    let page = try await ledger.exportEvents(
                        in: DayRange(first: today, last: today), after: place, limit: size)
                    ids += page.map(\.place.id)
                    guard let last = page.last else { break }
                    place = last.place
                }
                #expect(ids == ["a", "a:1", "b", "b:1", "c"])
            }
            let json = try await ledger.exportEvents(in: everyDay, after: nil, limit: 9).map(\.json)
            #expect(json.count == 7)
            #expect(json.contains { $0.contains(#""id":"a:1""#) && $0.contains(#""corrects":"a""#) })
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a rotated key ends no later than it would have, its successor is inserted, a revoked one has none`(
        kind: LedgerKind
    ) async throws {
        try await withLedger(kind) { ledger, _ in
            func key(_ id: String, expiresAtMs: Int? = nil) -> LedgerKey {
                LedgerKey(
                    record: APIKeyRecord(id: id, team: "acme", expiresAtMs: expiresAtMs), sha256: "sha-\(id)",
                    createdAtMs: noonMs)
            }
            try await ledger.insertKey(key("endless"), audit: audit())
            try await ledger.insertKey(key("ending", expiresAtMs: 50), audit: audit())
            let before = try await ledger.revision()
            for id in ["endless", "ending"] {
                #expect(
                    try await ledger.rotateKey(
                        id: id, endsAtMs: 100, to: key("new-\(id)"), audit: audit("key.rotate", subject: id)))
            }
            #expect(try await ledger.revision() > before)
            #expect(try await ledger.key(id: "endless")?.record.expiresAtMs == 100)
            #expect(try await ledger.key(id: "ending")?.record.expiresAtMs == 50)
            #expect(try await ledger.key(id: "new-endless")?.record.isActive == true)
            _ = try await ledger.revokeKey(id: "endless", audit: audit())
            for id in ["endless", "nobody"] {
                #expect(try await !ledger.rotateKey(id: id, endsAtMs: 100, to: key("never"), audit: audit()))
            }
            #expect(try await ledger.key(id: "never") == nil)
        }
    }
}
