import WeirCore

/// lua/peek.lua, typed: what counters of one shard hold, without changing anything.
package struct PeekScript: Sendable {
    package var shard: Shard
    package var counters: [CounterKey]
    /// A fixed time for tests; nil: the server's clock.
    package var nowMs: Int?

    package struct Reading: Sendable, Hashable {
        package let used: Int
        /// Of budgets; 0 for others.
        package let reserved: Int

        package init(used: Int, reserved: Int) { (self.used, self.reserved) = (used, reserved) }
    }

    package enum Reply: Sendable, Equatable {
        /// In the order of `counters`.
        case read(nowMs: Int, [Reading])
        case notReady(nowMs: Int)
        /// This counter is a budget that is gone: what was spent of it is not known until it has been made anew.
        case lost(nowMs: Int, counter: Int)
    }

    package init(shard: Shard, counters: [CounterKey], nowMs: Int? = nil) {
        self.shard = shard
        self.counters = counters
        self.nowMs = nowMs
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        let numbers = try await connection.run(
            ScriptCatalogue.peek, keys: [RedisKeys.epoch(shard), RedisKeys.reservations(shard)] + counters.map(\.key),
            arguments: ["", .int(nowMs ?? 0)] + counters.map { .string("\($0.letter) \($0.span)") }
        ).integers(of: ScriptCatalogue.peek)
        switch (numbers.first, numbers.count) {
        case (1, 2 + 2 * counters.count):
            let readings = counters.indices.map {
                Reading(used: numbers[2 + 2 * $0], reserved: numbers[3 + 2 * $0])
            }
            return .read(nowMs: numbers[1], readings)
        case (-1, 2): return .notReady(nowMs: numbers[1])
        case (-3, 3) where (1...max(1, counters.count)).contains(numbers[2]):
            return .lost(nowMs: numbers[1], counter: numbers[2] - 1)
        default: throw .protocolViolation("peek.lua answered \(numbers)")
        }
    }
}
