import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Amounts that differ from policy, as nodes find them in Redis.
@Suite struct OverrideTests {
    static let policy: Policy = {
        var policy = TestNode.policy
        policy.limits = [
            Limit(id: "calls", per: .user, unit: .requests, span: .window(ms: 3_600_000), amount: 3),
            Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 1_000_000,
                groupAmounts: ["contractors": 500_000]),
        ]
        return policy
    }()

    static let calls = OverrideName(limit: "calls", subject: "user:acme/alice")
    static let spend = OverrideName(limit: "spend", subject: "user:acme/alice")

    private func holds(_ node: TestNode, _ call: Call = TestNode.call()) async throws -> [Reservation.Hold]? {
        if case .admitted(let reservation) = try await node.admit(call) { reservation.holds } else { nil }
    }

    @Test func `F-K2: a limit lowered below its use, or raised, acts on every node, and what was used stays used`()
        async throws
    {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            try await TestNode.withEnforcer(to: node.server) { enforcer, loop in
                try await enforcer.start()
                let nodes = [
                    node, TestNode(server: node.server, redis: node.redis, enforcer: enforcer, loop: loop),
                ]
                for number in 0..<3 { #expect(try await nodes[number % 2].denial() == nil) }
                for node in nodes { #expect(try await node.denial()?.used == 3) }
                try await node.send("SET", .string(Self.calls.key), "5")
                // Both nodes have kept that there was none.
                for node in nodes {
                    try await eventually("raised on every node") {
                        let denial = try await node.denial()
                        return denial == nil
                    }
                }
                // 3 + 2: nothing was forgotten, and the raised amount is the end.
                for node in nodes {
                    let denial = try #require(try await node.denial())
                    #expect((denial.used, denial.amount, denial.amountSource) == (5, 5, .override))
                }
                let start = ContinuousClock.now
                try await node.send("SET", .string(Self.calls.key), "4")
                for node in nodes {
                    try await eventually("lowered below what is used") { try await node.denial()?.amount == 4 }
                    #expect(try await node.denial()?.used == 5)
                }
                let lowered = Int(start.duration(to: .now) / .milliseconds(1))
                try await node.send("DEL", .string(Self.calls.key))
                for node in nodes {
                    try await eventually("taken back") { try await node.denial()?.amount == 3 }
                    #expect(try await node.denial()?.amountSource == .default)
                }
                // Unlimited, also where the window was a log so far.
                try await node.send("SET", .string(Self.calls.key), "0")
                for node in nodes { try await eventually("unlimited") { try await node.denial() == nil } }
                try await node.send("DEL", .string(Self.calls.key))
                for node in nodes {
                    try await eventually("policy holds again") { (try await node.denial()?.used ?? 0) >= 7 }
                }
                try FaultReport(
                    "F-K2", invariant: "a changed limit acts on every node, used stays used, L1",
                    bound: "within 1 s", measured: "2 nodes in \(lowered) ms, 5 used of 4"
                ).report()
            }
        }
    }

    @Test func `a reservation says where each amount is from`() async throws {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            try await node.send("SET", .string(Self.calls.key), "200")
            let call = TestNode.call(groups: ["contractors"])
            try await eventually { try await holds(node, call)?.first?.amount == 200 }
            let held = try #require(try await holds(node, call))
            #expect(held.map(\.amount) == [200, 500_000])
            #expect(held.map(\.source.text) == ["override", "group:contractors"])
        }
    }

    @Test func `an override ends by itself at its time, on every node`() async throws {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            let untilMs = node.enforcer.nowMs + 1_500
            try await node.send("SET", .string(Self.spend.key), "2000000", "PXAT", .int(untilMs))
            try await eventually("in force or over") {
                try await holds(node)?.last?.amount == 2_000_000 || node.enforcer.nowMs >= untilMs
            }
            // Also if Redis never said that it is gone.
            try await eventually("over") { node.enforcer.nowMs >= untilMs }
            try await eventually("policy holds") { try await holds(node)?.last?.amount ?? 1_000_000 == 1_000_000 }
            // Also on a node that has kept it, before Redis tells that it is gone.
            let overrides = Overrides(logger: .silent)
            overrides.follow()
            try await node.send("SET", .string(Self.spend.key), "7", "PXAT", "4000000000000")
            guard case .ask(let question) = overrides.answer(for: [Self.spend], nowMs: 0) else {
                throw RedisError.protocolViolation("known before it was asked for")
            }
            #expect(try await overrides.ask(question, nowMs: 3_999_999_999_999, on: node.redis) == [0: 7])
            for (nowMs, amounts) in [(3_999_999_999_999, [0: 7]), (4_000_000_000_000, [:])] {
                guard case .known(let known) = overrides.answer(for: [Self.spend], nowMs: nowMs) else {
                    throw RedisError.protocolViolation("forgotten")
                }
                #expect(known == amounts)
            }
        }
    }

    @Test(arguments: ["", "-5", "1.5", "many", "1e3", " 7", "9007199254740992", "99999999999999999999", "0x10"])
    func `a value that is no whole number leaves the policy's amount in force`(value: String) async throws {
        try await TestNode.run(policy: Self.policy) { (node) async throws in
            // Any number of calls, so that one can ask until it has happened.
            try await node.send("SET", .string(Self.calls.key), "0")
            try await node.send("SET", .string(Self.spend.key), "7000000")
            try await eventually { try await holds(node)?.last?.amount == 7_000_000 }
            try await node.send("SET", .string(Self.spend.key), .string(value))
            try await eventually { try await holds(node)?.last?.amount == 1_000_000 }
        }
    }

    @Test func `a limited team is told its own amount`() async throws {
        var policy = Self.policy
        policy.limits.append(
            Limit(
                id: "credits", per: .team, unit: .usd, span: .period(.month), match: .init(resource: "ai_credits"),
                amount: 100, enforce: .ledger))
        try await TestNode.run(policy: policy) { (node) async throws in
            try await node.send("ZADD", .string(RedisKeys.limitedSet(resource: "ai_credits")), "inf", "acme")
            try await eventually { try await node.denial()?.reason == .teamLimited }
            var denial = try #require(try await node.denial())
            #expect((denial.limit, denial.amount, denial.amountSource) == ("credits", 100, .default))
            try await node.send("SET", "weir:override:credits:team:acme", "7")
            try await eventually { try await node.denial()?.amount == 7 }
            denial = try #require(try await node.denial())
            #expect(denial.amountSource == .override)
        }
    }

    @Test func `a call whose overrides cannot be asked for is not decided`() async throws {
        try await TestNode.run(policy: Self.policy, deadline: .milliseconds(200)) { (node) async throws in
            #expect(try await node.denial() == nil)
            node.server.pause()
            defer { node.server.resume() }
            await #expect(throws: EnforcerError.self) {
                try await node.admit(TestNode.call(user: "somebody-new"))
            }
        }
    }

    @Test func `a name is the part of its key after the prefix`() {
        for name in [
            Self.calls, OverrideName(limit: "l-1_x", subject: "ip:2001:db8::/64"), .init(limit: "l", subject: "global"),
        ] {
            #expect(OverrideName(text: name.text) == name)
            #expect(name.key == "weir:override:" + name.text)
        }
        #expect(OverrideName(text: "nothing") == nil)
    }

    @Test func `several names are looked up at once, and what is missing is told by its place`() {
        let cache = TrackedCache<String, Int>(knownAge: .seconds(30), unknownAge: .seconds(5), largestCount: 10)
        cache.follow()
        let start = cache.answers(for: ["a", "b", "c"])
        #expect(start.known.isEmpty && start.missing == [0, 1, 2])
        let now = ContinuousClock.now
        cache.keep(1, for: "a", since: start.generation, now: now)
        cache.keep(nil, for: "b", since: start.generation, now: now)
        let next = cache.answers(for: ["c", "b", "a"], now: now)
        #expect(next.known == [2: 1] && next.missing == [0])
        cache.forget("a")
        cache.keep(2, for: "a", since: next.generation)
        #expect(cache.answers(for: ["a"]).missing == [0], "what was asked for before a change is not kept after it")
        #expect(cache.answers(for: ["b"], now: now + .seconds(5)).missing == [0])
    }
}
