import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// Calls whose node is gone, from a real admission to the ledger's rows.
@Suite struct ReaperTests {
    static let shard = Shard(of: "acme")
    /// Far ahead, so that nothing that is admitted at this time has expired by the server's own clock.
    static let startMs = 2_540_030_400_000
    static let spend = CounterKey(
        shard: shard, limit: "spend", subject: "team:acme", counter: .budget(.month), atMs: startMs)
    static let inFlight = CounterKey(
        shard: shard, limit: "at-once", subject: "team:acme", counter: .inFlight, atMs: startMs)

    /// A call admitted at ``startMs`` for 30 s, that has cost `costMicros` so far.
    private func admit(_ deployment: TestDeployment, costMicros: Int) async throws -> UsageEvent {
        var generator = SystemRandomNumberGenerator()
        let id = ReservationID(birthMs: Self.startMs, using: &generator)
        let event = event(id.text, cost: costMicros, atMs: Self.startMs)
        let script = AdmitScript(
            shard: Self.shard, id: id, namedAtMs: Self.startMs, leaseMs: 30_000,
            call: CallRecord.json(
                holds: [Self.spend, Self.inFlight], units: [.usd, .concurrency], event: event.json()),
            limits: [
                .init(counter: Self.spend, cost: 1_000, amount: 1_000_000),
                .init(counter: Self.inFlight, cost: 1, amount: 1_000),
            ], nowMs: Self.startMs)
        guard case .admitted = try await script.run(on: deployment.pool.any) else {
            throw RedisError.protocolViolation("not admitted")
        }
        return event
    }

    private func renew(_ deployment: TestDeployment, _ event: UsageEvent, atMs: Int) async throws {
        let id = try #require(ReservationID(event.id))
        let reply = try await RenewScript(
            shard: Self.shard, id: id, leaseMs: 30_000, observed: event.json(), inFlight: [Self.inFlight.key],
            nowMs: atMs
        ).run(on: deployment.pool.any)
        #expect(reply == .renewed)
    }

    private func settle(_ deployment: TestDeployment, _ event: UsageEvent, atMs: Int) async throws -> EndScript.Reply {
        let id = try #require(ReservationID(event.id))
        return try await EndScript(
            .settle, shard: Self.shard, id: id, event: event.json(),
            counters: [(Self.spend, event.cost.micros), (Self.inFlight, 1)], nowMs: atMs
        ).run(on: deployment.pool.any)
    }

    private func budget(_ deployment: TestDeployment) async throws -> [String?] {
        guard
            case .array(let values) = try await deployment.send(
                "HMGET", .string(Self.spend.key), "settled", "reserved")
        else { return [] }
        return values.map(\.words)
    }

    private func run(_ body: (TestDeployment, Aggregator, MovableClock) async throws -> Void) async throws {
        try await TestDeployment.run { deployment in
            let clock = MovableClock(Self.startMs)
            try await deployment.apply()
            let aggregator = deployment.aggregator(clock: clock)
            #expect(try await aggregator.lead())
            try await body(deployment, aggregator, clock)
        }
    }

    private func ingestAll(_ aggregator: Aggregator) async throws {
        while try await !aggregator.ingest().isEmpty {}
    }

    @Test func `what a dead node's call holds in another shard is charged there, and its event comes once`()
        async throws
    {
        try await run { (deployment, aggregator, clock) async throws in
            let observed = try await admit(deployment, costMicros: 7)
            let id = try #require(ReservationID(observed.id))
            let shard = Shard(of: "global")
            let everybody = CounterKey(
                shard: shard, limit: "all", subject: "global", counter: .budget(.month), atMs: Self.startMs)
            let side = AdmitScript(
                shard: shard, id: id, namedAtMs: Self.startMs, leaseMs: 30_000,
                call: CallRecord.json(holds: [everybody], units: [.usd], event: observed.json(), isSide: true),
                limits: [.init(counter: everybody, cost: 1_000, amount: 1_000_000)], nowMs: Self.startMs)
            guard case .admitted = try await side.run(on: deployment.pool.any) else {
                throw RedisError.protocolViolation("not admitted")
            }
            clock.set(Self.startMs + 30_001)
            #expect(try await aggregator.reap() == 2)
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 7)
            #expect(try await budget(deployment) == ["7", "0"])
            func sideBudget() async throws -> [String?] {
                guard
                    case .array(let values) = try await deployment.send(
                        "HMGET", .string(everybody.key), "settled", "reserved")
                else { return [] }
                return values.map(\.words)
            }
            #expect(try await sideBudget() == ["7", "0"])
            // The node lives after all, and settles both at what it really was.
            var real = observed
            (real.outcome, real.cost) = (.completed, MicroUSD(micros: 20))
            #expect(try await settle(deployment, real, atMs: Self.startMs + 40_000) == .corrected(skipped: 0))
            let end = EndScript(
                .settle, shard: shard, id: id, counters: [(everybody, 20)], nowMs: Self.startMs + 40_000)
            #expect(try await end.run(on: deployment.pool.any) == .corrected(skipped: 0))
            #expect(try await end.run(on: deployment.pool.any) == .endedBefore)
            try await ingestAll(aggregator)
            #expect(try await sideBudget() == ["20", "0"])
            #expect(try await deployment.spent == 20)
        }
    }

    @Test func `an orphan is settled at what was last observed, once its lease has run out`() async throws {
        try await run { (deployment, aggregator, clock) async throws in
            var observed = try await admit(deployment, costMicros: 7)
            _ = try await admit(deployment, costMicros: 20)
            observed.cost = MicroUSD(micros: 300)
            observed.tokens.output = 11
            try await renew(deployment, observed, atMs: Self.startMs + 10_000)

            clock.set(Self.startMs + 29_999)
            #expect(try await aggregator.reap() == 0)
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 1, "the other was renewed")
            #expect(try await budget(deployment) == ["20", "1000"])
            clock.set(Self.startMs + 40_000)
            #expect(try await aggregator.reap() == 1)
            #expect(try await aggregator.reap() == 0)
            #expect(try await budget(deployment) == ["320", "0"])

            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 320)
            let day = DayRange(first: UTCDay(containingMs: Self.startMs), last: UTCDay(containingMs: Self.startMs))
            let totals = try await deployment.ledger.spend(by: .everybody, in: day, of: .all).first?.totals
            #expect(totals?.calls == 2)
            #expect(try await deployment.ledger.verify().isEmpty)
        }
    }

    @Test func `an orphan is charged as the model that served it, in the limits that cover that model`() async throws {
        try await run { (deployment, aggregator, clock) async throws in
            let dear = CounterKey(
                shard: Self.shard, limit: "dear-spend", subject: "team:acme", counter: .budget(.month),
                atMs: Self.startMs)
            try await deployment.send("HSET", .string(Self.spend.key), "settled", 5)
            try await deployment.send("HSET", .string(dear.key), "settled", 9)
            var generator = SystemRandomNumberGenerator()
            let id = ReservationID(birthMs: Self.startMs, using: &generator)
            func record(_ model: String, _ units: [Limit.Unit?], micros: Int, rung: Int) -> [UInt8] {
                var event = event(id.text, cost: micros, atMs: Self.startMs)
                event.model = model
                return CallRecord.json(holds: [dear, Self.spend], units: units, event: event.json(), rung: rung)
            }
            let reply = try await AdmitScript(
                shard: Self.shard, id: id, namedAtMs: Self.startMs, leaseMs: 30_000,
                call: record("dear", [.usd, .usd], micros: 70, rung: 1),
                limits: [
                    .init(counter: dear, cost: 1_000, amount: 1_000_000),
                    .init(counter: Self.spend, cost: 1_000, amount: 1_000_000, downgrade: .init(on: 5, off: 3)),
                ],
                lower: [.init(call: record("cheap", [nil, .usd], micros: 30, rung: 2), costs: [nil, 400])],
                nowMs: Self.startMs
            ).run(on: deployment.pool.any)
            #expect(
                reply
                    == .admitted(
                        nowMs: Self.startMs, remaining: [nil, 999_595], chosen: .init(rung: 1, held: [0, 400])))
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 1)
            #expect(try await budget(deployment) == ["35", "0"])
            let untouched = try await deployment.send("HMGET", .string(dear.key), "settled", "reserved")
            guard case .array(let values) = untouched else { throw RedisError.protocolViolation("HMGET") }
            #expect(values.map(\.words) == ["9", nil])
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 30)
            let day = DayRange(first: UTCDay(containingMs: Self.startMs), last: UTCDay(containingMs: Self.startMs))
            #expect(try await deployment.ledger.spend(by: .everybody, in: day, of: .all).first?.totals.calls == 1)
        }
    }

    @Test func `a final settlement that comes late replaces the orphan, in the counters and in the ledger`()
        async throws
    {
        try await run { (deployment, aggregator, clock) async throws in
            var calls: [UsageEvent] = []
            for _ in 0..<3 { calls.append(try await admit(deployment, costMicros: 40)) }
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 3)
            // One final settlement before the orphans are in the ledger, one after, one never; less and more than 40.
            calls[0].cost = MicroUSD(micros: 15)
            #expect(try await settle(deployment, calls[0], atMs: clock.nowMs) == .corrected(skipped: 0))
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 15 + 40 + 40)
            calls[1].cost = MicroUSD(micros: 500)
            #expect(try await settle(deployment, calls[1], atMs: clock.nowMs) == .corrected(skipped: 0))
            #expect(try await settle(deployment, calls[1], atMs: clock.nowMs) == .endedBefore)
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 15 + 500 + 40)
            #expect(try await budget(deployment) == ["555", "0"])
            #expect(try await deployment.ledger.verify().isEmpty)
        }
    }

    @Test(arguments: [(Policy.Orphans.observed, 40), (.reserved, 1_000), (.none, 0)])
    func `policy says what an orphan is charged, and its real usage takes that place all the same`(
        orphans: Policy.Orphans, charged: Int
    ) async throws {
        try await run { (deployment, aggregator, clock) async throws in
            var policy = testPolicy()
            policy.orphans = orphans
            _ = try await deployment.ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
            var call = try await admit(deployment, costMicros: 40)
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 1)
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == charged)
            #expect(try await budget(deployment).first == "\(charged)" || charged == 0)
            call.cost = MicroUSD(micros: 500)
            #expect(try await settle(deployment, call, atMs: clock.nowMs) == .corrected(skipped: 0))
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 500)
            #expect(try await budget(deployment) == ["500", "0"])
            #expect(try await deployment.ledger.verify().isEmpty)
        }
    }

    @Test func `what an old snapshot holds of a call that has ended since is given back, and charged once`()
        async throws
    {
        try await run { (deployment, aggregator, clock) async throws in
            var call = try await admit(deployment, costMicros: 40)
            (call.cost, call.outcome) = (MicroUSD(micros: 70), .completed)
            // The ledger has its end; Redis knows it as alive again, with the ledger's sum in the budget.
            _ = try await deployment.ledger.ingest([call], deadLetters: [])
            try await deployment.send("HSET", .string(Self.spend.key), "settled", "70")
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 1)
            #expect(try await budget(deployment) == ["70", "0"])
            #expect(try await deployment.streamLength() == 0)
            #expect(try await aggregator.reap() == 0)
        }
    }

    @Test func `a node that comes back before the reaper settles as if nothing had been`() async throws {
        try await run { (deployment, aggregator, clock) async throws in
            var call = try await admit(deployment, costMicros: 40)
            clock.set(Self.startMs + 60_000)
            call.cost = MicroUSD(micros: 15)
            #expect(try await settle(deployment, call, atMs: clock.nowMs) == .ended(skipped: 0))
            #expect(try await aggregator.reap() == 0)
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 15)
        }
    }

    @Test func `reapers at once settle each orphan once`() async throws {
        try await run { (deployment, aggregator, clock) async throws in
            for cost in 1...300 { _ = try await admit(deployment, costMicros: cost) }
            clock.set(Self.startMs + 30_000)
            let redis = AggregatorRedis(pool: deployment.pool, deadline: .seconds(10), fixedNowMs: { clock.nowMs })
            let settled = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let reaper = Reaper(
                            redis: redis, ledger: deployment.ledger, shards: Shard.all(count: 16), logger: .silent)
                        return try await reaper.step()
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(settled == 300)
            #expect(try await budget(deployment) == ["\(300 * 301 / 2)", "0"])
            try await ingestAll(aggregator)
            #expect(try await deployment.spent == 300 * 301 / 2)
        }
    }

    @Test(arguments: [
        "1 1 1,1\nno json\n", "1 1 1,1\n{}\n{}", "1 1 1,1", "1 1 1,1\n{\"holds\":[],\"event\":{}}\n",
    ])
    func `a record that cannot be read is left, and holds up no other`(record: String) async throws {
        try await run { (deployment, aggregator, clock) async throws in
            let key = RedisArgument.string(RedisKeys.reservations(Self.shard))
            let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
            try await deployment.send("HSET", key, .string(id), .string(record))
            try await deployment.send("HSET", key, "no id", "1 1 1\n{}\n")
            _ = try await admit(deployment, costMicros: 40)
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 1)
            #expect(try await deployment.send("HGET", key, .string(id)).words == record)
            #expect(try await deployment.streamLength() == 1)
        }
    }

    @Test func `endings are forgotten a quarter of an hour after their birth, and the rest of the shard stays`()
        async throws
    {
        try await run { (deployment, aggregator, clock) async throws in
            let call = try await admit(deployment, costMicros: 40)
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 1)
            let key = RedisArgument.string(RedisKeys.reservations(Self.shard))
            clock.set(Self.startMs + Reaper.endingsKeptMs)
            _ = try await aggregator.reap()
            #expect(
                try await deployment.send("HGET", key, .string(call.id)).words?.hasPrefix("orphaned 40,1\n") == true)
            clock.set(Self.startMs + Reaper.endingsKeptMs + 1)
            _ = try await aggregator.reap()
            #expect(try await deployment.send("HEXISTS", key, .string(call.id)) == .integer(0))
        }
    }

    @Test func `who does not lead reaps nothing`() async throws {
        try await run { (deployment, aggregator, clock) async throws in
            _ = try await admit(deployment, costMicros: 40)
            clock.set(Self.startMs + 30_000)
            let other = deployment.aggregator("two", clock: clock)
            #expect(try await other.reap() == 0)
            #expect(try await aggregator.reap() == 1)
        }
    }
}
