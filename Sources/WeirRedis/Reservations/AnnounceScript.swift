import WeirCore

/// lua/announce.lua, typed: a call that lives holds again what it held in a Redis that has forgotten it.
package struct AnnounceScript: Sendable {
    package struct Entry: Sendable, Hashable {
        package let counter: CounterKey
        /// Nil: the limit does not cover the model that serves the call, and holds nothing.
        package let held: Int?
        package let amount: Int

        package init(counter: CounterKey, held: Int?, amount: Int) {
            (self.counter, self.held, self.amount) = (counter, held, amount)
        }
    }

    package var shard: Shard
    package var id: ReservationID
    package var leaseMs: Int
    /// When it was admitted, by Redis's clock, milliseconds since 1970.
    package var admittedMs: Int
    /// One line of JSON: ``CallRecord``.
    package var call: [UInt8]
    /// One line of JSON: the usage event if the node died now.
    package var observed: [UInt8]
    /// In the order of the admission.
    package var limits: [Entry]
    /// A fixed time for tests; nil: the server's clock.
    package var nowMs: Int?

    package enum Reply: Sendable, Equatable {
        /// `over`: budgets that hold more than their amount now.
        case announced(over: Int)
        /// Redis knows it, alive or ended; nothing changed.
        case known
        /// One of its budgets is being made anew; nothing changed.
        case notYet
    }

    package init(
        shard: Shard, id: ReservationID, leaseMs: Int, admittedMs: Int, call: [UInt8], observed: [UInt8],
        limits: [Entry], nowMs: Int? = nil
    ) {
        self.shard = shard
        self.id = id
        self.leaseMs = leaseMs
        self.admittedMs = admittedMs
        self.call = call
        self.observed = observed
        self.limits = limits
        self.nowMs = nowMs
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        var packed = PackedNumbers(capacity: 4 * limits.count)
        for limit in limits {
            packed.add(limit.held == nil ? 0 : limit.counter.kind)
            packed.add(limit.held ?? 0)
            packed.add(limit.counter.span)
            packed.add(limit.amount)
        }
        let held = limits.map { String($0.held ?? 0) }.joined(separator: ",")
        let record = Array("\(admittedMs) \(held)\n".utf8) + call + [UInt8(ascii: "\n")] + observed
        let numbers = try await connection.run(
            ScriptCatalogue.announce,
            keys: [RedisKeys.epoch(shard), RedisKeys.reservations(shard)] + limits.map(\.counter.key),
            arguments: [
                .string(id.text), .int(nowMs ?? 0), .int(leaseMs), .bytes(record), .bytes(packed.bytes),
            ]
        ).integers(of: ScriptCatalogue.announce)
        switch (numbers.first, numbers.count) {
        case (1, 2): return .announced(over: numbers[1])
        case (0, 1): return .known
        case (-1, 1): return .notYet
        default: throw .protocolViolation("announce.lua answered \(numbers)")
        }
    }
}
