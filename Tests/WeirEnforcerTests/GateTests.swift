import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Kill switch and limited set, asked from memory before any limit.
@Suite struct GateTests {
    static let nowMs = 1_795_262_400_500
    static let search = TestNode.call(product: "search", callClass: "lookup", billable: false)

    static func denial(
        _ call: Call = TestNode.call(), switch entries: [KillSwitch.Scope: String] = [:],
        limited: [String: [String: Int]] = [:]
    ) -> Denial? {
        let snapshot = Replica.Snapshot(
            inForce: PolicyInForce(TestNode.policy, published: ""),
            killSwitch: entries.mapValues { KillSwitch.Entry(value: $0) }, limited: limited)
        return Gate.denial(of: call, in: snapshot, nowMs: nowMs)
    }

    @Test(arguments: [
        KillSwitch.Scope.global, .product("default"), .team("acme"), .model("m"), .callClass("ai"),
    ])
    func `a thrown switch stops the calls of its scope`(scope: KillSwitch.Scope) {
        for text in ["on", "1", "because", #"{"on":true,"reason":"test"}"#, #"{"on":true,"until":1795262401}"#] {
            let denial = Self.denial(switch: [scope: text])
            #expect(denial?.reason == .killSwitch, "\(text)")
            #expect(denial?.subject == scope.text)
            #expect(denial?.reason.status == 503)
        }
        for text in ["off", "0", "OFF", #"{"on":false}"#, #"{"on":true,"until":1795262400}"#] {
            #expect(Self.denial(switch: [scope: text]) == nil, "\(text)")
        }
    }

    @Test func `a billable call that no team pays for is denied, one that costs nobody anything is not`() {
        #expect(Self.denial(TestNode.call(team: ""))?.reason == .forbidden)
        #expect(Self.denial(TestNode.call(team: "", product: "search", callClass: "lookup", billable: false)) == nil)
    }

    @Test func `a switch of another scope stops nothing`() {
        for scope: KillSwitch.Scope in [.product("search"), .team("globex"), .model("n"), .callClass("lookup")] {
            #expect(Self.denial(switch: [scope: "on"]) == nil)
        }
    }

    @Test func `a class that does not heed the global switch is stopped only by name`() {
        #expect(Self.denial(Self.search, switch: [.global: "on"]) == nil)
        #expect(Self.denial(Self.search, switch: [.callClass("lookup"): "on"])?.reason == .killSwitch)
        // A class that the policy does not know heeds it.
        #expect(Self.denial(TestNode.call(callClass: "other"), switch: [.global: "on"])?.reason == .killSwitch)
    }

    @Test func `a switch with an end says when, one without does not`() {
        let ending = Self.denial(switch: [.global: #"{"on":true,"reason":"test","until":1795262410}"#])
        #expect(ending?.retryAfter == 10)
        #expect(ending?.resetsAtMs == 1_795_262_410_000)
        #expect(ending?.message.contains("test") == true)
        let endless = Self.denial(switch: [.global: "on"])
        #expect(endless?.retryAfter == nil)
        #expect(endless?.resetsAtMs == nil)
    }

    @Test(arguments: [(500, 1), (1, 1), (1_000, 1), (1_001, 2), (60_000, 60)])
    func `a limited team waits until its score, at least a second`(ms: Int, seconds: Int) {
        let denial = Self.denial(limited: ["ai_credits": ["acme": Self.nowMs + ms]])
        #expect(denial?.reason == .teamLimited)
        #expect(denial?.retryAfter == seconds)
        #expect(denial?.resetsAtMs == Self.nowMs + ms)
        #expect(denial?.subject == "team:acme")
    }

    @Test func `a limited set denies its team's billable calls of its resource, and nothing else`() {
        let end = Self.nowMs + 60_000
        #expect(Self.denial(limited: ["ai_credits": ["globex": end]]) == nil)
        #expect(Self.denial(limited: ["plan_credits": ["acme": end]]) == nil)
        #expect(Self.denial(Self.search, limited: ["ai_credits": ["acme": end]]) == nil)
        #expect(Self.denial(limited: ["ai_credits": ["acme": Self.nowMs]]) == nil)
        #expect(Self.denial(limited: ["ai_credits": ["acme": Self.nowMs - 1]]) == nil)
    }

    @Test func `scores are read as redis-cli writes them`() {
        #expect(ReplicaReader.milliseconds(score: "1795262400") == 1_795_262_400_000)
        #expect(ReplicaReader.milliseconds(score: "1795262400.0011") == 1_795_262_400_002)
        #expect(ReplicaReader.milliseconds(score: "1.7952624e+09") == 1_795_262_400_000)
        #expect(ReplicaReader.milliseconds(score: "-5") == 0)
        for endless in ["inf", "1e300", "nan", "nonsense"] {
            #expect(ReplicaReader.milliseconds(score: endless) == ReplicaReader.endlessMs)
        }
        let denial = Self.denial(limited: ["ai_credits": ["acme": ReplicaReader.endlessMs]])
        #expect(denial?.reason == .teamLimited)
        #expect(denial?.retryAfter == nil)
        #expect(denial?.resetsAtMs == nil)
    }

    @Test func `ZADD and ZREM by hand take effect, and consume nothing`() async throws {
        try await TestNode.run { (node) async throws in
            let key = RedisArgument.string(RedisKeys.limitedSet(resource: "ai_credits"))
            for score in ["\(node.enforcer.nowMs / 1000 + 3_600)", "inf"] {
                try await node.send("ZADD", key, .string(score), "acme")
                try await eventually("limited until \(score)") { try await node.denial()?.reason == .teamLimited }
                let before = try await node.spend()
                #expect(try await node.denial()?.reason == .teamLimited)
                #expect(try await node.spend() == before)
                try await node.send("ZREM", key, "acme")
                try await eventually("free") { try await node.denial() == nil }
            }
            try await node.send("ZADD", key, .int(node.enforcer.nowMs / 1000 + 3_600), "acme")
            try await eventually { try await node.denial()?.reason == .teamLimited }
            try await node.send("ZADD", key, "1", "acme")
            try await eventually("a score in the past") { try await node.denial() == nil }
        }
    }

    @Test func `a thrown switch is obeyed, and survives a restart of Redis and of the node`() async throws {
        try await TestNode.run(["--appendonly", "yes", "--appendfsync", "always"]) { (node) async throws in
            try await node.send("HSET", .string(RedisKeys.killSwitch), "team:acme", "on")
            try await eventually { try await node.denial()?.reason == .killSwitch }
            try await node.server.restart()
            try await eventually("Redis answers", within: .seconds(20)) {
                try await node.send("PING") == .status("PONG")
            }
            try await node.makeReady()
            try await eventually(within: .seconds(20)) { try await node.denial()?.reason == .killSwitch }
            try await TestNode.withEnforcer(to: node.server) { enforcer, loop in
                try await enforcer.start()
                let other = TestNode(server: node.server, redis: node.redis, enforcer: enforcer, loop: loop)
                #expect(try await other.denial()?.reason == .killSwitch)
            }
            // This connection comes back by itself, too.
            try await eventually {
                try await node.send("HDEL", .string(RedisKeys.killSwitch), "team:acme")
                return try await node.denial() == nil
            }
        }
    }
}
