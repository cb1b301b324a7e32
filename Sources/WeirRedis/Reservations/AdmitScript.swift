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
    /// Cheaper models that may serve the call instead, in the order of the ladder; at most 15.
    package var lower: [Rung]
    /// A fixed time for tests; nil: the server's clock.
    package var nowMs: Int?
    /// Under ``ReservationID/none`` it is only asked what would become of the call: by a script that may not write.
    package var isTrial: Bool { id == .none }

    package struct Entry: Sendable, Hashable {
        package let counter: CounterKey
        /// On the first model; nil: the limit does not cover it.
        package let cost: Int?
        package let amount: Int
        /// False for a limit in shadow: counted, never denied.
        package let denies: Bool
        /// Whether a call that holds nothing is denied, too, where nothing is left.
        package let deniesWhenFull: Bool
        /// When the first model gives way to the next; nil: never on this limit's account.
        package let downgrade: Downgrade?
        /// Units that the call costs on the last model with the shortest answer worth having; nil: it is not shortened.
        package let least: Int?

        /// Units of a budget, settled and reserved: from `on` the ladder is followed, until there are fewer than `off`.
        package struct Downgrade: Sendable, Hashable {
            package let on: Int
            package let off: Int

            package init(on: Int, off: Int) { (self.on, self.off) = (on, off) }
        }

        package init(
            counter: CounterKey, cost: Int?, amount: Int, denies: Bool = true, deniesWhenFull: Bool = false,
            downgrade: Downgrade? = nil, least: Int? = nil
        ) {
            self.counter = counter
            self.cost = cost
            self.amount = amount
            self.denies = denies
            self.deniesWhenFull = deniesWhenFull
            self.downgrade = downgrade
            self.least = least
        }
    }

    /// A cheaper model: the call's record on it, and its cost for each limit (nil: the limit does not cover it).
    package struct Rung: Sendable, Hashable {
        package let call: [UInt8]
        package let costs: [Int?]

        package init(call: [UInt8], costs: [Int?]) { (self.call, self.costs) = (call, costs) }
    }

    package enum Reply: Sendable, Equatable {
        /// What remains of each limit; nil where it is unlimited.
        /// `chosen`: of a call with a choice.
        case admitted(nowMs: Int, remaining: [Int?], chosen: Chosen? = nil)
        /// `limit` is the index of the one that makes the caller wait longest; `retryAfterMs` nil: it can never fit.
        case denied(nowMs: Int, limit: Int, used: Int, reserved: Int, retryAfterMs: Int?)
        /// The id has ended already; nothing is held.
        case ended(nowMs: Int)
        case notReady(nowMs: Int)
        /// `namedAtMs` is of another day, or over two seconds off.
        case wrongTime(nowMs: Int)
        /// The budget of this limit is gone: what was spent of it is not known until it has been made anew.
        case lost(nowMs: Int, limit: Int)
    }

    /// What serves a call that had a choice.
    package struct Chosen: Sendable, Hashable {
        /// 0: the first model; else one more than its index in `lower`.
        package let rung: Int
        /// Units held in each limit: less than the cost where the answer must be shortened.
        package let held: [Int]

        package init(rung: Int, held: [Int]) { (self.rung, self.held) = (rung, held) }
    }

    package init(
        shard: Shard, id: ReservationID, namedAtMs: Int, leaseMs: Int, call: [UInt8], limits: [Entry],
        lower: [Rung] = [], nowMs: Int? = nil
    ) {
        self.shard = shard
        self.id = id
        self.namedAtMs = namedAtMs
        self.leaseMs = leaseMs
        self.call = call
        self.limits = limits
        self.lower = lower
        self.nowMs = nowMs
    }

    /// Whether the script has anything to choose: else it is told nothing of models and shortened answers.
    private var hasChoice: Bool { !lower.isEmpty || limits.contains { $0.least != nil } }

    /// - Parameter onlyBelieved: of a node, which must not decide by what an old snapshot says.
    package func run(on connection: RedisConnection, onlyBelieved: Bool = false) async throws(RedisError) -> Reply {
        var keys: [String] = []
        keys.reserveCapacity(2 + limits.count)
        keys.append(RedisKeys.epoch(shard))
        keys.append(RedisKeys.reservations(shard))
        for limit in limits { keys.append(limit.counter.key) }
        var arguments: [RedisArgument] = [
            .string(id.text), .int(nowMs ?? 0), .int(namedAtMs), .bytes(record(call) { limits[$0].cost }),
            .bytes(packed { limits[$0].cost }),
        ]
        if hasChoice {
            for rung in lower {
                arguments.append(.bytes(record(rung.call) { rung.costs[$0] }))
                arguments.append(.bytes(packed { rung.costs[$0] }))
            }
            arguments.append(.bytes(packedChoice))
        }
        let script = isTrial ? ScriptCatalogue.wouldAdmit : ScriptCatalogue.admit
        let reply = try await connection.run(script, keys: keys, arguments: arguments, onlyBelieved: onlyBelieved)
        let numbers = try reply.integers(of: script)
        switch (numbers.first, numbers.count) {
        case (1, 2 + limits.count) where !hasChoice:
            return .admitted(nowMs: numbers[1], remaining: numbers.dropFirst(2).map { $0 < 0 ? nil : $0 })
        case (1, 3 + 2 * limits.count) where hasChoice && (1...lower.count + 1).contains(numbers[2 + limits.count]):
            return .admitted(
                nowMs: numbers[1], remaining: numbers[2..<2 + limits.count].map { $0 < 0 ? nil : $0 },
                chosen: Chosen(rung: numbers[2 + limits.count] - 1, held: Array(numbers[(3 + limits.count)...])))
        case (0, 6) where (1...max(1, limits.count)).contains(numbers[2]):
            return .denied(
                nowMs: numbers[1], limit: numbers[2] - 1, used: numbers[3], reserved: numbers[4],
                retryAfterMs: numbers[5] < 0 ? nil : numbers[5])
        case (2, 2): return .ended(nowMs: numbers[1])
        case (-1, 2): return .notReady(nowMs: numbers[1])
        case (-2, 2): return .wrongTime(nowMs: numbers[1])
        case (-3, 3) where (1...max(1, limits.count)).contains(numbers[2]):
            return .lost(nowMs: numbers[1], limit: numbers[2] - 1)
        default: throw .protocolViolation("\(script.name).lua answered \(numbers)")
        }
    }
}

extension AdmitScript {
    /// lua/lib/record.lua: `<lease_end_ms> <at_ms> <held,held,...>`, the call, nothing observed yet.
    private func record(_ call: [UInt8], cost: (Int) -> Int?) -> [UInt8] {
        var record: [UInt8] = []
        // Two times of thirteen digits, and a number for each limit.
        record.reserveCapacity(call.count + 32 + 17 * limits.count)
        record.append(contentsOf: String(namedAtMs + leaseMs).utf8)
        record.append(UInt8(ascii: " "))
        record.append(contentsOf: String(namedAtMs).utf8)
        record.append(UInt8(ascii: " "))
        for index in limits.indices {
            if index > 0 { record.append(UInt8(ascii: ",")) }
            record.append(contentsOf: String(cost(index) ?? 0).utf8)
        }
        record.append(UInt8(ascii: "\n"))
        record.append(contentsOf: call)
        record.append(UInt8(ascii: "\n"))
        return record
    }

    /// lua/admit.lua: kind, cost, amount, span and how it denies, of each limit.
    private func packed(cost: (Int) -> Int?) -> [UInt8] {
        var packed = PackedNumbers(capacity: 5 * limits.count)
        for (index, limit) in limits.enumerated() {
            let cost = cost(index)
            packed.add(cost == nil ? 0 : limit.counter.kind)
            packed.add(cost ?? 0)
            packed.add(limit.amount)
            packed.add(limit.counter.counter == .inFlight ? leaseMs : limit.counter.span)
            packed.add(limit.denies ? (limit.deniesWhenFull ? 2 : 1) : 0)
        }
        return packed.bytes
    }

    private var packedChoice: [UInt8] {
        var packed = PackedNumbers(capacity: 3 * limits.count)
        for limit in limits {
            packed.add(limit.downgrade?.on ?? 0)
            packed.add(limit.downgrade?.off ?? 0)
            packed.add(limit.least ?? 0)
        }
        return packed.bytes
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
