import Testing
import WeirCore
import WeirLedger

@Suite struct UsageContractTests {
    private let dayMs = UTCDay.lengthMs

    @Test(arguments: LedgerKind.allCases)
    func `spending is summed by subject over chosen products, models and days`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([
                event("1", cost: 1), event("2", user: nil, cost: 10), event("3", product: "search", cost: 100),
                event("4", team: "globex", user: "bob", model: "m2", cost: 1_000),
                event("5", cost: 10_000, atMs: noonMs - dayMs),
            ])
            func micros(_ grouping: SpendGrouping, _ days: DayRange, _ selection: CallSelection) async throws
                -> [String]
            {
                try await ledger.spend(by: grouping, in: days, of: selection).map {
                    "\($0.team ?? "*")/\($0.user ?? "*") \($0.totals.cost.micros)"
                }
            }
            let day = DayRange(Period.day.containing(ms: noonMs))
            let month = DayRange(Period.month.containing(ms: noonMs))
            #expect(try await micros(.team, day, .all) == ["acme/* 111", "globex/* 1000"])
            #expect(try await micros(.team, month, .all) == ["acme/* 10111", "globex/* 1000"])
            #expect(try await micros(.user, day, .all) == ["acme/* 10", "acme/alice 101", "globex/bob 1000"])
            #expect(try await micros(.everybody, month, .all) == ["*/* 11111"])
            #expect(try await micros(.team, day, CallSelection(products: ["search", "nothing"])) == ["acme/* 100"])
            #expect(try await micros(.team, day, CallSelection(products: [])) == [])
            #expect(try await micros(.everybody, day, CallSelection(models: ["m2"])) == ["*/* 1000"])
            let tomorrow = DayRange(Period.day.containing(ms: noonMs + dayMs))
            #expect(try await micros(.everybody, tomorrow, .all) == [])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a call counts in the UTC day in which it was admitted`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let start = today.startMs
            _ = try await ledger.ingest([event("last", atMs: start - 1), event("first", atMs: start)])
            let days = try await ledger.usage(by: .day, in: everyDay, where: UsageFilter())
            #expect(days.map(\.name) == ["2026-11-20", "2026-11-21"])
            #expect(try await ledger.verify() == [])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `usage is grouped by any column and filtered by the others, dearest first`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.ingest([
                event("1", cost: 5), event("2", user: nil, product: "search", cost: 7, isOK: false),
                event("3", team: "globex", user: "alice", model: "m2", cost: 6),
            ])
            func names(_ column: UsageColumn, _ filter: UsageFilter = UsageFilter()) async throws -> [String] {
                try await ledger.usage(by: column, in: everyDay, where: filter).map(\.name)
            }
            #expect(try await names(.team) == ["acme", "globex"])
            #expect(try await names(.user) == ["acme/", "globex/alice", "acme/alice"])
            #expect(try await names(.product) == ["slack_app", "search"])
            #expect(try await names(.model) == ["claude-haiku-4", "m2"])
            #expect(try await names(.endpoint) == ["messages"])
            #expect(try await names(.model, UsageFilter(team: "globex")) == ["m2"])
            #expect(try await names(.team, UsageFilter(user: "alice", product: "slack_app")) == ["globex", "acme"])
            let failed = try await ledger.usage(by: .product, in: everyDay, where: UsageFilter(product: "search"))
            #expect(failed.first?.totals.errors == 1)
            // Whatever a name holds, it is a value, never a part of the statement.
            #expect(try await names(.team, UsageFilter(team: "' OR 1=1 --")) == [])
        }
    }
}

extension UsageContractTests {
    @Test(arguments: LedgerKind.allCases)
    func `events are read page by page in order of time, each once and as it was written`(kind: LedgerKind)
        async throws
    {
        try await withLedger(kind) { ledger, _ in
            var full = event("c", user: nil, cost: 7, isOK: false, outcome: .providerCut, atMs: noonMs)
            full.extra = ["estimated": "cut", "weird \"key\"": "ü"]
            full.tokens = TokenUsage(
                input: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, output: 5, reasoning: 6)
            (full.key, full.session, full.request, full.role) = ("wk_1", "s", "r", "agent")
            (full.task, full.toolUsed, full.promptVersion, full.latencyMs) = ("t", "search", "v1", 812)
            let all =
                [event("z", atMs: today.startMs)]
                + ["a", "b"].map { event($0, atMs: noonMs) } + [full] + ["d", "e"].map { event($0, atMs: noonMs) }
                + [event("0", atMs: noonMs + 1)]
            let outside = [
                event("before", atMs: today.startMs - 1), event("after", atMs: today.startMs + UTCDay.lengthMs),
            ]
            _ = try await ledger.ingest((all + outside).shuffled())
            let days = DayRange(first: today, last: today)
            for limit in [1, 2, 3, 7, 100] {
                var read: [UsageEvent] = []
                while case let page = try await ledger.events(in: days, after: read.last, limit: limit), !page.isEmpty {
                    #expect(page.count <= limit)
                    read += page
                }
                #expect(read == all)
            }
        }
    }
}
