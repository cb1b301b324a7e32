import Foundation
import Logging
import NIOCore
import NIOPosix
import WeirCore
import WeirEnforcer
import WeirProviders
import WeirRedis
import WeirTestSupport

@testable import WeirGateway

/// Gateways with an engine each, before one real Redis that is set up as an aggregator would.
///
/// - Parameters:
///   - records: what API keys stand for, by their text.
///   - deadline: of the nodes' commands. Long, but where a test is about answers that do not come.
///   - arguments: of redis-server.
nonisolated(nonsending) func withNodes(
    _ count: Int, policy: Policy, records: [String: APIKeyRecord] = [TestBed.key: TestBed.record()],
    deadline: Duration = .seconds(5), arguments: [String] = [], _ body: ([TestBed], RedisServer) async throws -> Void
) async throws {
    try await withRedis(arguments) { redis in
        try await redis.send(["HSET", .string(RedisKeys.meta), "layout", "1", "shards", "16", "created_at", "0"])
        try await withConnection(to: redis) { try await makeReady(of: $0) }
        var policy = policy
        policy.version = 1
        let json = String(decoding: try JSONEncoder().encode(policy), as: UTF8.self)
        try await redis.send(["SET", .string(RedisKeys.policy), .string(json)])
        for (key, record) in records {
            var set: [RedisArgument] = ["HSET", .string(RedisKeys.apiKey(sha256: Credential.hexSHA256(key[...])))]
            for (name, value) in record.fields { set += [.string(name), .string(value)] }
            try await redis.send(set)
        }
        try await addNode(count, [], redis, deadline, body)
    }
}

nonisolated(nonsending) private func addNode(
    _ left: Int, _ beds: [TestBed], _ redis: RedisServer, _ deadline: Duration,
    _ body: ([TestBed], RedisServer) async throws -> Void
) async throws {
    guard left > 0 else { return try await body(beds, redis) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    var configuration = try RedisConfiguration(url: redis.url(as: .gateway))
    configuration.commandDeadline = deadline
    let pool = RedisPool(configuration: configuration, group: group, logger: .silent)
    let enforcer = Enforcer(
        configuration: .init(prices: try .shipped()), redis: configuration, pool: pool, group: group, logger: .silent)
    try await enforcer.start()
    let result: Result<Void, any Error>
    do {
        try await withGateway(TestBed.admission(), engine: enforcer, group: group) { bed in
            try await addNode(left - 1, beds + [bed], redis, deadline, body)
        }
        result = .success(())
    } catch { result = .failure(error) }
    await enforcer.stop()
    await pool.close()
    try await group.shutdownGracefully()
    try result.get()
}
