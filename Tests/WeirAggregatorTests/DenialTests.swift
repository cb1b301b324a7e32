import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

@Suite struct DenialTests {
    private func count(_ number: String, node: String, _ deployment: TestDeployment, dayOffset: Int = 0) async throws {
        let day = UTCDay(number: UTCDay(containingMs: noonMs).number + dayOffset)
        let key = DenialKey(day: day, team: "acme", user: "alice", limit: "calls", reason: "rate_limited")
        let hash = RedisKeys.denials(Shard(of: "acme"), day: day)
        try await deployment.send("HSET", .string(hash), .string(key.field(node: node)), .string(number))
    }

    private func total(_ deployment: TestDeployment) async throws -> Int {
        let days = DayRange(first: UTCDay(number: 0), last: UTCDay(number: 100_000))
        return try await deployment.ledger.denials(in: days, team: nil).reduce(0) { $0 + $1.denials }
    }

    @Test func `counts reach the ledger once, however often and by however many they are read`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let first = deployment.aggregator("one")
            #expect(try await first.collectDenials() == 0, "only the leader collects")
            try await first.lead()
            try await count("3", node: "n1", deployment)
            try await count("4", node: "n2", deployment)
            try await count("5", node: "n1", deployment, dayOffset: -1)
            #expect(try await first.collectDenials() == 3)
            #expect(try await first.collectDenials() == 0)
            #expect(try await total(deployment) == 12)
            try await count("9", node: "n1", deployment)
            #expect(try await first.collectDenials() == 1)
            #expect(try await total(deployment) == 18)
            // Another process knows nothing of what the first has written.
            try await deployment.send("DEL", .string(RedisKeys.leader))
            let second = deployment.aggregator("two")
            try await second.lead()
            _ = try await second.collectDenials()
            #expect(try await total(deployment) == 18)
        }
    }

    @Test func `a ledger that fails before or after it wrote loses nothing and counts nothing twice`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let faulty = FaultyLedger(deployment.ledger)
            let aggregator = deployment.aggregator(ledger: faulty)
            try await aggregator.lead()
            for (number, fault) in [("3", FaultyLedger.Fault.before(.busy("x"))), ("7", .after(.io("x")))] {
                try await count(number, node: "n1", deployment)
                faulty.fail(fault)
                await #expect(throws: AggregatorError.self) { try await aggregator.collectDenials() }
                faulty.fail(nil)
                #expect(try await aggregator.collectDenials() == 1)
                #expect(try await total(deployment) == Int(number))
            }
        }
    }

    @Test func `what no node has written is passed over`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let aggregator = deployment.aggregator()
            try await aggregator.lead()
            let hash = RedisKeys.denials(Shard(of: "acme"), day: UTCDay(containingMs: noonMs))
            for (field, value) in [("x", "1"), ("n|acme|a|l|r", "-1"), ("n|acme|a|l|r2", "9007199254740993")] {
                try await deployment.send("HSET", .string(hash), .string(field), .string(value))
            }
            try await count("2", node: "n1", deployment)
            #expect(try await aggregator.collectDenials() == 1)
            #expect(try await total(deployment) == 2)
        }
    }
}
