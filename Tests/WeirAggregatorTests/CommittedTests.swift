import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// What nodes are told of the ledger, and what they sent again.
@Suite struct CommittedTests {
    private static let acme = Shard(of: "acme")

    private func mark(_ deployment: TestDeployment) async throws -> CommittedMark {
        try #require(CommittedMark(try await deployment.pool.send(CommittedMark.read(Self.acme))))
    }

    private func ids(_ deployment: TestDeployment) async throws -> [StreamID] {
        guard
            case .array(let entries) = try await deployment.send(
                "XRANGE", .string(RedisKeys.usage(Self.acme)), "-", "+")
        else { return [] }
        return try entries.map { entry in
            guard case .array(let parts) = entry else { throw RedisError.protocolViolation("XRANGE") }
            return try #require(parts[0].words.flatMap { StreamID($0) })
        }
    }

    @Test func `nodes are told how far the ledger has a stream, and never further`() async throws {
        try await TestDeployment.run { deployment in
            let ledger = FaultyLedger(deployment.ledger)
            let aggregator = deployment.aggregator(ledger: ledger) { $0.tellCommittedEvery = .zero }
            try await deployment.send("SET", .string(RedisKeys.epoch(Self.acme)), "e")
            _ = try await aggregator.ingest()
            try await deployment.produce(event("a"), event("b"))
            let first = try await ids(deployment)
            ledger.fail(.before(.failed("killed before COMMIT")))
            await #expect(throws: AggregatorError.self) { try await aggregator.ingest() }
            #expect(try await mark(deployment).below.map { $0 <= first[0] } ?? true)
            ledger.fail(nil)
            _ = try await aggregator.ingest()
            let told = try await mark(deployment)
            #expect(try #require(told.below) > first[1] && told.epoch == "e" && !told.run.isEmpty)

            // Another one has been given the next and has not committed it.
            try await deployment.produce(event("c"), event("d"))
            let next = try await ids(deployment)
            try await deployment.send(
                "XREADGROUP", "GROUP", "ledger", "slow", "COUNT", "1", "STREAMS", .string(RedisKeys.usage(Self.acme)),
                ">")
            _ = try await aggregator.ingest()
            #expect(try await deployment.spent == 3)
            #expect(try await mark(deployment).below == next[0])
            #expect(try await ids(deployment) == next)
        }
    }

    @Test func `what an old snapshot holds as given to this one is worked off at once`() async throws {
        try await TestDeployment.run(arguments: ["--save", "3600 1"]) { deployment in
            let aggregator = deployment.aggregator { $0.tellCommittedEvery = .zero }
            try await deployment.produce(event("a"))
            _ = try await aggregator.ingest()
            _ = try await aggregator.ingest()
            #expect(try await deployment.spent == 1)
            // Taken in the moment between reading and acknowledging.
            try await deployment.produce(event("b"))
            try await deployment.send(
                "XREADGROUP", "GROUP", "ledger", "one", "COUNT", "1", "STREAMS", .string(RedisKeys.usage(Self.acme)),
                ">")
            try await deployment.send("SAVE")
            try await deployment.restartRedis()
            #expect(try await ids(deployment).count == 1)
            _ = try await aggregator.ingest()
            #expect(try await deployment.spent == 2)
            #expect(try await ids(deployment) == [])
        }
    }

    @Test func `a stream that somebody deleted closes its shard, so that nodes send again`() async throws {
        try await TestDeployment.run { deployment in
            let aggregator = deployment.aggregator { $0.tellCommittedEvery = .zero }
            try await deployment.send("SET", .string(RedisKeys.epoch(Self.acme)), "e")
            try await deployment.produce(event("a"))
            _ = try await aggregator.ingest()
            #expect(try await deployment.send("GET", .string(RedisKeys.epoch(Self.acme))).words == "e")
            try await deployment.send("DEL", .string(RedisKeys.usage(Self.acme)))
            try await deployment.produce(event("b"))
            try await eventually {
                _ = try await aggregator.ingest()
                return try await deployment.spent == 2
            }
            #expect(try await deployment.send("GET", .string(RedisKeys.epoch(Self.acme))) == .null)
            #expect(try await mark(deployment).epoch == "")
        }
    }

    @Test func `budgets are raised for what was sent again, once the ledger has it, and never lowered`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let aggregator = deployment.aggregator { ($0.tellCommittedEvery, $0.reconcileEvery) = (.zero, .zero) }
            try await eventually("the shards are ready") {
                _ = try await aggregator.ingest()
                try await aggregator.lead()
                return try await deployment.send("GET", .string(RedisKeys.epoch(Self.acme))) != .null
            }
            _ = try await aggregator.ingest()
            func budget(_ limit: String, _ subject: String, _ period: Period) async throws -> String? {
                let key = RedisKeys.budget(
                    Self.acme, limit: limit, subject: subject, period: period.containing(ms: noonMs))
                return try await deployment.send("HGET", .string(key), "settled").words
            }
            func resend(_ event: UsageEvent) async throws {
                _ = try await ResendScript(shard: Self.acme, event: event.json(), life: "l").run(
                    on: deployment.pool.any)
            }
            try await resend(event("late", cost: 700, input: 40))
            #expect(try await aggregator.reconcile() == 0, "the ledger does not have it yet")
            _ = try await aggregator.ingest()
            #expect(try await aggregator.reconcile() == 2)
            #expect(try await budget("day-tokens", "user:acme/alice", .day) == "40")
            #expect(try await budget("team-spend", "team:acme", .month) == "700")
            #expect(try await aggregator.reconcile() == 0)

            // What has been charged, and is not in the ledger yet, stands.
            let key = RedisKeys.budget(
                Self.acme, limit: "team-spend", subject: "team:acme", period: Period.month.containing(ms: noonMs))
            try await deployment.send("HINCRBY", .string(key), "settled", "9000")
            try await resend(event("late", cost: 700, input: 40))
            _ = try await aggregator.ingest()
            #expect(try await aggregator.reconcile() == 0)
            #expect(try await budget("team-spend", "team:acme", .month) == "9700")
            let fields = try await deployment.send("HEXISTS", .string(RedisKeys.committed(Self.acme)), "late")
            #expect(fields == .integer(0), "nothing is due any more")
        }
    }
}
