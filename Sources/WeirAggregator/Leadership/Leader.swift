import WeirCore
import WeirRedis

/// The right to write what only the leader writes, and the way to do it: every write carries the fencing token, and is
/// refused once a later leader has written, or has claimed the key (``claim(_:)``).
struct Leader: Sendable {
    let redis: AggregatorRedis
    let token: Int
    let lease: LeaderLease

    /// Does a command whose first argument is the one key that it changes.
    /// - Throws: ``AggregatorError/fenced`` if another one leads by now; nothing was changed.
    @discardableResult
    nonisolated(nonsending) func write(_ command: [RedisArgument]) async throws(AggregatorError) -> RedisValue {
        guard command.count > 1, case .string(let key) = command[1] else {
            preconditionFailure("a fenced command names its key as text")
        }
        return try await run(
            ScriptCatalogue.fenced, keys: [key, RedisKeys.fence(of: key)],
            arguments: [.int(token), command[0]] + command.dropFirst(2))
    }

    /// Makes the token known where an earlier leader might still write, although there is nothing to write now.
    nonisolated(nonsending) func claim(_ keys: [String]) async throws(AggregatorError) {
        try await redis.forEach(keys) { (key) async throws(AggregatorError) in
            try await run(ScriptCatalogue.fenced, keys: [key, RedisKeys.fence(of: key)], arguments: [.int(token)])
        }
    }

    nonisolated(nonsending) func claim(_ shards: [Shard]) async throws(AggregatorError) {
        try await redis.forEach(shards) { (shard) async throws(AggregatorError) in
            try await run(
                ScriptCatalogue.fenced, keys: [RedisKeys.epoch(shard), RedisKeys.fence(shard)],
                arguments: [.int(token)])
        }
    }

    /// Runs a script that checks the token itself.
    @discardableResult
    nonisolated(nonsending) func run(_ script: RedisScript, keys: [String], arguments: [RedisArgument])
        async throws(AggregatorError) -> RedisValue
    {
        guard lease.isHeld(token: token) else { throw .fenced }
        return try await redis.run(script, keys: keys, arguments: arguments)
    }
}
