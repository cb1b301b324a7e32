import Foundation
import Logging
import NIOCore
import NIOPosix
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// A private Redis set up as an aggregator would, and a node in it.
struct TestNode: Sendable {
    let server: RedisServer
    /// An operator's connection, patient.
    let redis: RedisConnection
    let enforcer: Enforcer
    let loop: any EventLoop

    static let policy = Policy(
        version: 1,
        products: [
            "default": .init(callClass: "ai", billable: true, resource: "ai_credits"),
            "search": .init(callClass: "lookup", billable: false),
        ],
        classes: ["ai": .init(killSwitch: true), "lookup": .init(killSwitch: false)],
        limits: [
            Limit(id: "calls", per: .user, unit: .requests, span: .window(ms: 3_600_000), amount: 50),
            Limit(id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 1_000_000),
            Limit(id: "at-once", per: .team, unit: .concurrency, span: .inFlight, amount: 20),
        ])

    static func call(
        team: String = "acme", user: String? = "alice", groups: [String] = [], product: String = "default",
        callClass: String = "ai", billable: Bool = true, model: String = "m"
    ) -> Call {
        Call(
            team: team, user: user, groups: groups, key: "k1", product: product, callClass: callClass,
            billable: billable, resource: billable ? "ai_credits" : nil, model: model)
    }

    static let estimate = Estimate(
        tokens: 1_000, cost: MicroUSD(micros: 5_000), observed: TokenUsage(input: 100),
        observedCost: MicroUSD(micros: 300))

    func event(_ id: String? = nil, costMicros: Int = 0) -> UsageEvent {
        UsageEvent(
            id: id ?? enforcer.makeReservationID(), calledAtMs: enforcer.nowMs, team: "acme", user: "alice", key: "k1",
            product: "default", billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic",
            requestedModel: "m", model: "m", tokens: TokenUsage(input: 10), cost: MicroUSD(micros: costMicros),
            priceVersion: "1")
    }

    func admit(_ call: Call = call(), event: UsageEvent? = nil) async throws -> Decision {
        try await enforcer.admit(call, estimate: Self.estimate, event: event ?? self.event(), on: loop)
    }

    func denial(_ call: Call = call()) async throws -> Denial? {
        if case .denied(let denial) = try await admit(call) { denial } else { nil }
    }

    @discardableResult
    func send(_ command: RedisArgument...) async throws -> RedisValue {
        try await redis.send(command, deadline: .seconds(20))
    }

    /// All shards, and waits until the node has seen it.
    func makeReady() async throws {
        try await WeirTestSupport.makeReady(of: redis)
        try await eventually("the node believes Redis") { enforcer.unreadyReason == nil }
    }

    func publish(_ policy: Policy) async throws {
        try await send("SET", .string(RedisKeys.policy), .bytes(Array(try JSONEncoder().encode(policy))))
    }

    static func setUp(_ redis: RedisConnection, policy: Policy = policy) async throws {
        _ = try await redis.send([
            "HSET", .string(RedisKeys.meta), "shards", "16", "layout", "1", "created_at", "1",
        ])
        try await WeirTestSupport.makeReady(of: redis)
        _ = try await redis.send([
            "SET", .string(RedisKeys.policy), .bytes(Array(try JSONEncoder().encode(policy))),
        ])
    }

    /// Texts of the events in acme's stream.
    func events() async throws -> [UsageEvent] {
        guard case .array(let entries) = try await send("XRANGE", .string(RedisKeys.usage(Shard(of: "acme"))), "-", "+")
        else { return [] }
        return try entries.map { entry in
            guard case .array(let parts) = entry, case .array(let fields) = parts[1], case .bulk(let text) = fields[1]
            else { throw RedisError.protocolViolation("XRANGE") }
            return try UsageEvent(json: Array(buffer: text))
        }
    }

    /// Settled and reserved of alice's budget.
    func spend() async throws -> [Int] {
        let key = CounterKey(
            shard: Shard(of: "acme"), limit: "spend", subject: "user:acme/alice", counter: .budget(.month),
            atMs: enforcer.nowMs
        ).key
        guard case .array(let values) = try await send("HMGET", .string(key), "settled", "reserved") else { return [] }
        return values.map { Int($0.text ?? "0") ?? -1 }
    }

    /// Runs `body` with a node that has started.
    ///
    /// - Parameter deadline: of the node's commands. Long, but where a test is about answers that do not come.
    nonisolated(nonsending) static func run<Result>(
        _ arguments: [String] = [], policy: Policy = policy, deadline: Duration = .seconds(10),
        _ body: (TestNode) async throws -> Result
    ) async throws -> Result {
        try await withRedis(arguments) { server in
            try await withConnection(to: server) { redis in
                try await setUp(redis, policy: policy)
                return try await withEnforcer(to: server, deadline: deadline) { enforcer, loop in
                    try await enforcer.start()
                    return try await body(TestNode(server: server, redis: redis, enforcer: enforcer, loop: loop))
                }
            }
        }
    }

    /// Runs `body` with a node that has not started.
    ///
    /// - Parameter port: where it finds Redis instead of at the server's own.
    nonisolated(nonsending) static func withEnforcer<Result>(
        to server: RedisServer, through port: Int? = nil, deadline: Duration = .seconds(10),
        prices: PriceHistory? = nil, outbox: Outbox? = nil, _ body: (Enforcer, any EventLoop) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup.singleton
        var configuration = try RedisConfiguration(url: server.url(as: .gateway, port: port))
        configuration.commandDeadline = deadline
        configuration.connectTimeout = .seconds(5)
        let pool = RedisPool(configuration: configuration, group: group, logger: .silent)
        let enforcer = Enforcer(
            configuration: .init(lease: .seconds(30), prices: prices), redis: configuration, pool: pool, group: group,
            outbox: outbox, logger: .silent)
        do {
            let result = try await body(enforcer, group.next())
            await enforcer.stop()
            await pool.close()
            return result
        } catch {
            await enforcer.stop()
            await pool.close()
            throw error
        }
    }
}
