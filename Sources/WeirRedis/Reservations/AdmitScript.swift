import WeirCore

/// lua/admit.lua, typed.
package struct AdmitScript: Sendable {
    package var shard: Shard
    package var id: ReservationID
    /// What the caller takes for Redis's time, milliseconds since 1970: it names the budgets' keys and the lease's end.
    package var namedAtMs: Int
    package var leaseMs: Int
    /// One line of JSON: ``CallRecord``.
    package var call: [UInt8]
    package var limits: [Entry]
    /// A fixed time for tests; nil: the server's clock.
    package var nowMs: Int?

    package struct Entry: Sendable, Hashable {
        package let counter: CounterKey
        package let cost: Int
        package let amount: Int
        /// False for a limit in shadow: counted, never denied.
        package let denies: Bool

        package init(counter: CounterKey, cost: Int, amount: Int, denies: Bool = true) {
            self.counter = counter
            self.cost = cost
            self.amount = amount
            self.denies = denies
        }
    }

    package enum Reply: Sendable, Equatable {
        /// What remains of each limit; nil where it is unlimited.
        case admitted(nowMs: Int, remaining: [Int?])
        /// `limit` is the index of the one that makes the caller wait longest; `retryAfterMs` nil: it can never fit.
        case denied(nowMs: Int, limit: Int, used: Int, reserved: Int, retryAfterMs: Int?)
        /// The id has ended already; nothing is held.
        case ended(nowMs: Int)
        case notReady(nowMs: Int)
        /// `namedAtMs` is of another day, or over two seconds off.
        case wrongTime(nowMs: Int)
    }

    package init(
        shard: Shard, id: ReservationID, namedAtMs: Int, leaseMs: Int, call: [UInt8], limits: [Entry],
        nowMs: Int? = nil
    ) {
        self.shard = shard
        self.id = id
        self.namedAtMs = namedAtMs
        self.leaseMs = leaseMs
        self.call = call
        self.limits = limits
        self.nowMs = nowMs
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        var keys = [RedisKeys.epoch(shard), RedisKeys.reservations(shard)]
        var packed = PackedNumbers(capacity: 5 * limits.count)
        for limit in limits {
            keys.append(limit.counter.key)
            packed.add(limit.counter.kind)
            packed.add(limit.cost)
            packed.add(limit.amount)
            packed.add(limit.counter.counter == .inFlight ? leaseMs : limit.counter.span)
            packed.add(limit.denies ? 1 : 0)
        }
        let arguments: [RedisArgument] = [
            .string(id.text), .int(nowMs ?? 0), .int(namedAtMs), .bytes(record), .bytes(packed.bytes),
        ]
        let reply = try await connection.run(ScriptCatalogue.admit, keys: keys, arguments: arguments)
        let numbers = try reply.integers(of: ScriptCatalogue.admit)
        switch (numbers.first, numbers.count) {
        case (1, 2 + limits.count):
            return .admitted(nowMs: numbers[1], remaining: numbers.dropFirst(2).map { $0 < 0 ? nil : $0 })
        case (0, 6) where (1...max(1, limits.count)).contains(numbers[2]):
            return .denied(
                nowMs: numbers[1], limit: numbers[2] - 1, used: numbers[3], reserved: numbers[4],
                retryAfterMs: numbers[5] < 0 ? nil : numbers[5])
        case (2, 2): return .ended(nowMs: numbers[1])
        case (-1, 2): return .notReady(nowMs: numbers[1])
        case (-2, 2): return .wrongTime(nowMs: numbers[1])
        default: throw .protocolViolation("admit.lua answered \(numbers)")
        }
    }
}

extension AdmitScript {
    /// lua/lib/record.lua: `<lease_end_ms> <at_ms> <held,held,...>`, the call, nothing observed yet.
    private var record: [UInt8] {
        let held = limits.map { String($0.cost) }.joined(separator: ",")
        var record = Array("\(namedAtMs + leaseMs) \(namedAtMs) \(held)\n".utf8)
        record.reserveCapacity(record.count + call.count + 1)
        record.append(contentsOf: call)
        record.append(UInt8(ascii: "\n"))
        return record
    }
}

extension RedisValue {
    /// The integers of a script's reply.
    package func integers(of script: RedisScript) throws(RedisError) -> [Int] {
        guard case .array(let values) = self else { throw .protocolViolation("\(script.name).lua: no array") }
        var numbers: [Int] = []
        numbers.reserveCapacity(values.count)
        for value in values {
            guard case .integer(let number) = value else {
                throw .protocolViolation("\(script.name).lua: not a number at \(numbers.count)")
            }
            numbers.append(number)
        }
        return numbers
    }
}
