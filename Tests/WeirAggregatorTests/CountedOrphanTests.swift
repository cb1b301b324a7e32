import NIOCore
import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// A node that was away for longer than its lease settles in a Redis that has been lost and made anew meanwhile: the budgets
/// are made of a ledger that has its call as an orphan.
@Suite struct CountedOrphanTests {
    private static let startMs = 2_540_030_400_000
    private static let home = Shard(of: "acme")
    private static let everywhere = Shard(of: "global")
    private static let spend = CounterKey(
        shard: home, limit: "team-spend", subject: "team:acme", counter: .budget(.month), atMs: startMs)
    private static let tokens = CounterKey(
        shard: home, limit: "day-tokens", subject: "user:acme/alice", counter: .budget(.day), atMs: startMs)
    /// Of no policy: the ledger makes nothing of it.
    private static let unknown = CounterKey(
        shard: home, limit: "gone", subject: "team:acme", counter: .budget(.month), atMs: startMs)
    private static let all = CounterKey(
        shard: everywhere, limit: "all", subject: "global", counter: .budget(.month), atMs: startMs)

    /// What Redis does between the orphan's charge and its node's return.
    enum Loss: String, CaseIterable, Sendable { case everything, everythingAndAnnounced, sinceTheSnapshot }

    @Test(arguments: Loss.allCases, [5, 300])
    func `its real usage takes the orphan's place in every budget, once`(loss: Loss, micros: Int) async throws {
        try await TestDeployment.run(arguments: ["--save", "3600 1"]) { deployment in
            let clock = MovableClock(Self.startMs)
            var policy = testPolicy()
            policy.limits.append(Limit(id: "all", per: .global, unit: .usd, span: .period(.month), amount: 9_000_000))
            _ = try await deployment.ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
            let aggregator = deployment.aggregator(clock: clock)
            #expect(try await aggregator.lead())
            var call = try await admit(deployment)
            if loss == .sinceTheSnapshot { try await deployment.send("SAVE") }
            clock.set(Self.startMs + 30_000)
            #expect(try await aggregator.reap() == 2)
            while try await !aggregator.ingest().isEmpty {}
            #expect(try await deployment.spent == 40)

            switch loss {
            case .everything, .everythingAndAnnounced: try await deployment.send("FLUSHALL")
            case .sinceTheSnapshot:
                try await deployment.restartRedis()
                // The first one is gone.
                try await deployment.send("DEL", .string(RedisKeys.leader))
            }
            let later = deployment.aggregator("two", clock: clock)
            _ = try await later.ingest()
            if loss == .everythingAndAnnounced { try await announce(deployment, call, nowMs: clock.nowMs) }
            try await eventually("ready") {
                _ = try await later.lead()
                _ = try await later.ingest()
                let run = RedisRunID.read(info: try await deployment.redis.send(RedisRunID.command).words ?? "") ?? ""
                for shard in [Self.home, Self.everywhere] {
                    let epoch = try await deployment.send("GET", .string(RedisKeys.epoch(shard))).words
                    guard epoch?.hasPrefix(run) == true else { return false }
                }
                return true
            }
            #expect(try await budget(deployment, Self.spend) == ["40", "0"])
            #expect(try await budget(deployment, Self.all) == ["40", "0"])
            clock.set(Self.startMs + 90_000)
            #expect(try await later.reap() == 0, "nothing of it lives")

            (call.outcome, call.cost, call.tokens) = (.completed, MicroUSD(micros: micros), TokenUsage(input: 90))
            for _ in 0..<2 { try await settle(deployment, call, nowMs: clock.nowMs) }
            while try await !later.ingest().isEmpty {}
            #expect(try await deployment.spent == micros)
            #expect(try await budget(deployment, Self.spend) == ["\(micros)", "0"])
            #expect(try await budget(deployment, Self.tokens) == ["90", "0"])
            #expect(try await budget(deployment, Self.all) == ["\(micros)", "0"])
            #expect(try await deployment.ledger.verify() == [])
        }
    }

    private func budget(_ deployment: TestDeployment, _ key: CounterKey) async throws -> [String?] {
        guard
            case .array(let values) = try await deployment.send("HMGET", .string(key.key), "settled", "reserved")
        else { return [] }
        return values.map(\.words)
    }

    private var homeHolds: [(key: CounterKey, unit: Limit.Unit)] {
        [(Self.spend, .usd), (Self.tokens, .tokens), (Self.unknown, .usd)]
    }

    private func admit(_ deployment: TestDeployment) async throws -> UsageEvent {
        var generator = SystemRandomNumberGenerator()
        let id = ReservationID(birthMs: Self.startMs, using: &generator)
        let event = event(id.text, cost: 40, atMs: Self.startMs)
        for (shard, holds, isSide) in [(Self.home, homeHolds, false), (Self.everywhere, [(Self.all, .usd)], true)] {
            let reply = try await AdmitScript(
                shard: shard, id: id, namedAtMs: Self.startMs, leaseMs: 30_000,
                call: CallRecord.json(
                    holds: holds.map(\.0), units: holds.map { $0.1 }, event: event.json(), isSide: isSide),
                limits: holds.map { .init(counter: $0.0, cost: 1_000, amount: 1_000_000) }, nowMs: Self.startMs
            ).run(on: deployment.pool.any)
            guard case .admitted = reply else { throw RedisError.protocolViolation("not admitted: \(reply)") }
        }
        return event
    }

    /// As a node does that has been away: for all that it knows the call lives.
    private func announce(_ deployment: TestDeployment, _ event: UsageEvent, nowMs: Int) async throws {
        let id = try #require(ReservationID(event.id))
        for (shard, holds, isSide) in [(Self.home, homeHolds, false), (Self.everywhere, [(Self.all, .usd)], true)] {
            let reply = try await AnnounceScript(
                shard: shard, id: id, leaseMs: 30_000, admittedMs: Self.startMs,
                call: CallRecord.json(
                    holds: holds.map(\.0), units: holds.map { $0.1 }, event: event.json(), isSide: isSide),
                observed: event.json(), limits: holds.map { .init(counter: $0.0, held: 1_000, amount: 1_000_000) },
                nowMs: nowMs
            ).run(on: deployment.pool.any)
            #expect(reply == .announced(over: 0))
        }
    }

    private func settle(_ deployment: TestDeployment, _ event: UsageEvent, nowMs: Int) async throws {
        let id = try #require(ReservationID(event.id))
        let parts = [(Self.home, homeHolds, event.json()), (Self.everywhere, [(Self.all, .usd)], [])]
        for (shard, holds, json) in parts {
            _ = try await EndScript(
                .settle, shard: shard, id: id, admittedMs: Self.startMs, event: json,
                counters: holds.map { ($0.0, $0.1.units(of: event)) }, nowMs: nowMs
            ).run(on: deployment.pool.any)
        }
    }
}
