import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct DenialCountsTests {
    /// `team user limit reason` → count, over all nodes.
    private func handedOn(_ node: TestNode, day: UTCDay) async throws -> [String: Int] {
        var sums: [String: Int] = [:]
        let hash = RedisKeys.denials(Shard(of: "acme"), day: day)
        guard case .array(let parts) = try await node.send("HGETALL", .string(hash)) else { return [:] }
        for index in stride(from: 0, to: parts.count, by: 2) {
            let read = try #require(DenialKey.parse(parts[index].text ?? "", day: day))
            let name = [read.key.team, read.key.user ?? "-", read.key.limit ?? "-", read.key.reason]
            sums[name.joined(separator: " "), default: 0] += Int(parts[index + 1].text ?? "") ?? 0
        }
        return sums
    }

    @Test func `denials of limits and gates are counted by team, user, limit and reason, admissions are not`()
        async throws
    {
        var policy = TestNode.policy
        policy.limits = [Limit(id: "calls", per: .user, unit: .requests, span: .window(ms: 3_600_000), amount: 2)]
        try await TestNode.run(policy: policy) { (node) async throws in
            for _ in 0..<5 { _ = try await node.denial() }
            _ = try await node.denial(TestNode.call(user: "bob"))
            try await node.send("HSET", .string(RedisKeys.killSwitch), "team:acme", "on")
            try await eventually("the switch is seen") { try await node.denial()?.reason == .killSwitch }
            let day = UTCDay(containingMs: node.enforcer.nowMs)
            try await eventually("the counts are handed on") {
                let counts = try await handedOn(node, day: day)
                return counts["acme alice calls rate_limited"] ?? 0 >= 3 && counts["acme alice - kill_switch"] == 1
            }
            let counts = try await handedOn(node, day: day)
            #expect(!counts.keys.contains { $0.contains("bob") })
            // A command of its own, after the counts.
            try await eventually("the counts expire some days after their day") {
                let life = try await node.send("PTTL", .string(RedisKeys.denials(Shard(of: "acme"), day: day)))
                guard case .integer(let ms) = life else { throw RedisError.protocolViolation("PTTL") }
                return ms > DenialCounts.keptMs && ms <= DenialCounts.keptMs + UTCDay.lengthMs
            }
        }
    }

    @Test func `what was only asked is not counted`() async throws {
        var policy = TestNode.policy
        policy.limits = [Limit(id: "calls", per: .team, unit: .requests, span: .window(ms: 3_600_000), amount: 1)]
        try await TestNode.run(policy: policy) { (node) async throws in
            _ = try await node.denial()
            let asked = try await node.admit(
                TestNode.call(user: "bob"), event: node.event(ReservationID.none.text))
            guard case .denied = asked else { throw RedisError.protocolViolation("admitted") }
            #expect(try await node.denial()?.reason == .rateLimited)
            let day = UTCDay(containingMs: node.enforcer.nowMs)
            // All that was counted before is handed on together with it.
            try await eventually("the counts are handed on") {
                try await handedOn(node, day: day)["acme alice calls rate_limited"] == 1
            }
            #expect(try await handedOn(node, day: day).count == 1)
        }
    }

    @Test func `what could not be handed on is handed on later, as a total and not as a growth`() async throws {
        try await TestNode.run { (node) async throws in
            let counts = DenialCounts(pool: node.enforcer.pool, logger: .silent)
            let denial = Denial(.rateLimited, "no", limit: "calls")
            let day = UTCDay(containingMs: node.enforcer.nowMs)
            func add() { counts.add(denial, of: TestNode.call(), atMs: day.startMs) }
            func flush() async { await counts.flush { Shard(of: $0) } }
            add()
            await flush()
            let hash = RedisArgument.string(RedisKeys.denials(Shard(of: "acme"), day: day))
            // A hash of another type refuses the write.
            try await node.send("DEL", hash)
            try await node.send("SET", hash, "in the way")
            add()
            await flush()
            try await node.send("DEL", hash)
            add()
            for _ in 0..<3 { await flush() }
            #expect(try await handedOn(node, day: day) == ["acme alice calls rate_limited": 3])
        }
    }

    @Test func `beyond a bound of different ones users are counted with their team`() async throws {
        try await TestNode.run { (node) async throws in
            let counts = DenialCounts(pool: node.enforcer.pool, logger: .silent, mostKeys: 500)
            let day = UTCDay(containingMs: node.enforcer.nowMs)
            for number in 0..<510 {
                counts.add(
                    Denial(.rateLimited, "no"), of: TestNode.call(user: "u\(number)"), atMs: day.startMs)
            }
            await counts.flush { Shard(of: $0) }
            let told = try await handedOn(node, day: day)
            #expect(told.count == 501)
            #expect(told["acme - - rate_limited"] == 10)
        }
    }
}
