import WeirCore

/// lua/peek.lua, typed: what counters of one shard hold, without changing them.
package struct PeekScript: Sendable {
    package var shard: Shard
    package var counters: [CounterKey]
    /// A fixed time for tests; nil: the server's clock.
    package var nowMs: Int?

    package struct Units: Sendable, Hashable {
        package let used: Int
        package let reserved: Int
    }

    package enum Reply: Sendable, Equatable {
        /// In the order of the counters.
        case held(nowMs: Int, [Units])
        case notReady
    }

    package init(shard: Shard, counters: [CounterKey], nowMs: Int? = nil) {
        self.shard = shard
        self.counters = counters
        self.nowMs = nowMs
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        let arguments: [RedisArgument] =
            ["-", .int(nowMs ?? 0)] + counters.map { .string("\($0.letter) \($0.span)") }
        let numbers = try await connection.run(
            ScriptCatalogue.peek, keys: [RedisKeys.epoch(shard)] + counters.map(\.key), arguments: arguments
        ).integers(of: ScriptCatalogue.peek)
        switch (numbers.first, numbers.count) {
        case (1, 2 + 2 * counters.count):
            return .held(
                nowMs: numbers[1],
                counters.indices.map { Units(used: numbers[2 + 2 * $0], reserved: numbers[3 + 2 * $0]) })
        case (-1, 2): return .notReady
        default: throw .protocolViolation("peek.lua answered \(numbers)")
        }
    }
}
