import NIOCore
import WeirRedis

/// The text of a shard's epoch, as an aggregator writes it for the run of this server.
///
/// - Parameter mark: what tells it from another one of the same run; in production when it was made.
package func epoch(of redis: RedisConnection, mark: String = "1") async throws -> RedisArgument {
    guard case .bulk(let info) = try await redis.send(["INFO", "server"]) else {
        throw RedisError.protocolViolation("INFO: no text")
    }
    for line in String(buffer: info).split(whereSeparator: \.isNewline) where line.hasPrefix("run_id:") {
        return .string("\(line.dropFirst("run_id:".count)) \(mark)")
    }
    throw RedisError.protocolViolation("INFO: no run_id")
}

/// Makes shards ready, as an aggregator does once it has seeded them. Waits for a Redis that was just started again.
package func makeReady(_ shards: [Shard] = Shard.all(count: 16), of redis: RedisConnection) async throws {
    try await eventually("Redis answers", within: .seconds(30)) { try await redis.send(["PING"]) == .status("PONG") }
    let epoch = try await epoch(of: redis)
    for shard in shards { try await open(shard, epoch: epoch, of: redis) }
}

/// What lua/open.lua writes: the shard is ready, and its list of budgets is whole.
package func open(_ shard: Shard, epoch: RedisArgument, of redis: RedisConnection) async throws {
    _ = try await redis.send(["SET", .string(RedisKeys.epoch(shard)), epoch])
    _ = try await redis.send(["HSET", .string(RedisKeys.reservations(shard)), .string(RedisKeys.readyField), epoch])
}
