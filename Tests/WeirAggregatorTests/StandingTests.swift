import NIOCore
import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// What operators say with redis-cli or the admin API outlives Redis.
@Suite struct StandingTests {
    private static let set = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
    private static let killSwitch = RedisArgument.string(RedisKeys.killSwitch)

    private func audited(_ deployment: TestDeployment) async throws -> [String] {
        try await deployment.ledger.audit(limit: 100).filter { $0.actor == "redis-cli" }
            .map { "\($0.action) \($0.subject)" }.reversed()
    }

    @Test func `what is typed with redis-cli comes back after a loss, and what was taken back does not`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let aggregator = deployment.aggregator()
            try await deployment.produce(event("1", team: "spender", cost: 10), event("2", team: "lifted", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            try await deployment.send("ZADD", Self.set, "4000000000", "by-hand", "inf", "for-good", "9", "gone")
            try await deployment.send("HSET", Self.killSwitch, "team:x", "drill")
            try await aggregator.lead()
            try await deployment.send("ZREM", Self.set, "gone", "lifted")
            try await aggregator.lead()
            #expect(
                try await audited(deployment) == [
                    "kill-switch.on team:x", "limited.add ai_credits/by-hand", "limited.add ai_credits/for-good",
                    "limited.add ai_credits/gone", "limited.remove ai_credits/gone", "limited.remove ai_credits/lifted",
                ])
            for name in ["one", "two"] {
                try await deployment.send("FLUSHALL")
                // Another leader may be the one that finds it empty.
                let next = name == "one" ? aggregator : deployment.aggregator(name)
                try await eventually("leading again") { try await next.lead() }
                try await next.lead()
                #expect(try await deployment.score("by-hand") == "4000000000")
                #expect(try await deployment.score("for-good") == "inf")
                #expect(try await deployment.score("gone") == nil)
                #expect(try await deployment.score("spender") == "\(monthEndS)")
                #expect(try await deployment.score("lifted") == nil, "an operator let it in for this period")
                #expect(try await deployment.send("HGET", Self.killSwitch, "team:x").words == "drill")
            }
            #expect(try await audited(deployment).count == 6, "a loss is nobody's removal")
        }
    }

    @Test func `an old snapshot brings back neither a switch that was taken back nor loses one that was thrown`()
        async throws
    {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            try await deployment.send("HSET", Self.killSwitch, "team:old", "drill")
            try await deployment.send("ZADD", Self.set, "inf", "old")
            try await aggregator.lead()
            try await deployment.send("SAVE")
            try await deployment.send("HDEL", Self.killSwitch, "team:old")
            try await deployment.send("ZREM", Self.set, "old")
            try await deployment.send("HSET", Self.killSwitch, "team:new", "drill")
            try await deployment.send("ZADD", Self.set, "inf", "new")
            try await aggregator.lead()
            try await deployment.restartRedis()
            try await eventually("leading again", within: .seconds(20)) { try await aggregator.lead() }
            #expect(try await deployment.send("HKEYS", Self.killSwitch) == .array([.bulk(.init(string: "team:new"))]))
            #expect(try await deployment.score("old") == nil)
            #expect(try await deployment.score("new") == "inf")
        }
    }

    @Test func `the cost guard does not act again in a period because Redis lost what it had done`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(kill: 10)
            let aggregator = deployment.aggregator()
            try await deployment.produce(event("1", cost: 10))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.killSwitch?.on == true)
            let off = KillSwitch.Entry(on: false, reason: "", actor: "eve", since: 1)
            try await deployment.send("HSET", Self.killSwitch, "global", .string(off.value))
            try await aggregator.lead()
            try await deployment.send("FLUSHALL")
            try await eventually("leading again") { try await aggregator.lead() }
            #expect(try await deployment.killSwitch == off)
            #expect(try await deployment.ledger.audit(limit: 100).filter { $0.actor == "aggregator" }.count == 1)
        }
    }
}
