import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct StartTests {
    @Test func `a node waits for weir:meta and for a policy, and serves nobody before`() async throws {
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                try await TestNode.withEnforcer(to: server) { enforcer, loop in
                    let starting = Task { try await enforcer.start() }
                    #expect(enforcer.unreadyReason == "not connected to Redis yet")
                    await #expect(throws: EnforcerError.degraded(reason: "not connected to Redis yet")) {
                        try await enforcer.admit(
                            TestNode.call(), estimate: TestNode.estimate,
                            event: NobodysEvent.event, on: loop)
                    }
                    _ = try await redis.send(["HSET", .string(RedisKeys.meta), "shards", "16", "layout", "1"])
                    try await eventually { enforcer.unreadyReason == "no policy has been published" }
                    #expect(throws: EnforcerError.self) { try enforcer.policy() }
                    await #expect(throws: EnforcerError.self) {
                        try await enforcer.identify(keySHA256: String(repeating: "0", count: 64), on: loop)
                    }
                    try await TestNode.setUp(redis)
                    try await starting.value
                    #expect(enforcer.unreadyReason == nil)
                    #expect(try enforcer.policy() == TestNode.policy)
                }
            }
        }
    }

    @Test(arguments: [
        ["layout", "2", "shards", "16"], ["shards", "16"], ["layout", "1"], ["layout", "1", "shards", "0"],
        ["layout", "1", "shards", "101"], ["layout", "1", "shards", "x"],
    ])
    func `a deployment of another layout is refused, at once`(meta: [String]) throws {
        var fields: [String: String] = [:]
        for i in stride(from: 0, to: meta.count, by: 2) { fields[meta[i]] = meta[i + 1] }
        let error = #expect(throws: EnforcerError.self) { try DeploymentCheck.shards(meta: fields) }
        guard case .misconfigured? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a node that meets another layout does not start`() async throws {
        try await withRedis { server in
            try await server.send(["HSET", .string(RedisKeys.meta), "shards", "16", "layout", "2"])
            try await TestNode.withEnforcer(to: server) { enforcer, _ in
                let error = await #expect(throws: EnforcerError.self) { try await enforcer.start() }
                guard case .misconfigured? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    @Test func `F-R3: a node does not start where Redis may forget what was spent`() async throws {
        try await withRedis(["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) { server in
            try await server.send(["HSET", .string(RedisKeys.meta), "shards", "16", "layout", "1"])
            try await TestNode.withEnforcer(to: server) { enforcer, _ in
                let error = await #expect(throws: EnforcerError.self) { try await enforcer.start() }
                guard case .misconfigured(let reason)? = error, reason.contains("noeviction") else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
        #expect(RedisEviction(info: "maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n")?.problem == nil)
        try FaultReport(
            "F-R3", invariant: "no node starts where keys may be evicted", bound: "refused", measured: "refused"
        ).report()
    }

    @Test func `a shard that is not ready admits nothing`() async throws {
        try await TestNode.run { (node) async throws in
            try await node.send("DEL", .string(RedisKeys.epoch(Shard(of: "acme"))))
            await #expect(throws: EnforcerError.self) { _ = try await node.admit() }
            let other = Call(
                team: "globex", key: "k", product: "default", callClass: "ai", billable: true, model: "m")
            #expect(try await node.denial(other) == nil)
        }
    }

    @Test func `F-K1: a policy is followed, a broken one is not, and a lost one closes the node`() async throws {
        try await TestNode.run { (node) async throws in
            var next = TestNode.policy
            next.version = 2
            next.limits = []
            try await node.publish(next)
            try await eventually { try node.enforcer.policy() == next }
            // The switch is still followed while the published policy cannot be read.
            try await node.send("SET", .string(RedisKeys.policy), #"{"version":3}"#)
            try await node.send("HSET", .string(RedisKeys.killSwitch), "global", "on")
            try await eventually { try await node.denial()?.reason == .killSwitch }
            #expect(try node.enforcer.policy() == next)
            #expect(node.enforcer.unreadyReason == nil)
            try await node.send("DEL", .string(RedisKeys.policy))
            try await eventually("closed", within: .seconds(20)) {
                node.enforcer.unreadyReason?.contains("Redis has lost what it held") == true
            }
            try FaultReport(
                "F-K1", invariant: "a broken policy leaves the old one in force on nodes, L1 C1",
                bound: "0 limits changed", measured: "0, kill switch followed meanwhile"
            ).report()
        }
    }
}

/// An event with an id that is a ULID, of no node.
enum NobodysEvent {
    static let event = UsageEvent(
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", calledAtMs: 1, team: "acme", product: "default", billable: true,
        callClass: "ai", endpoint: "messages", provider: "anthropic", requestedModel: "m", model: "m",
        priceVersion: "1")
}
