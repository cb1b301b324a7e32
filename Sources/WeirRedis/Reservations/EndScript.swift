import WeirCore

/// lua/settle.lua, lua/release.lua and lua/reap.lua, typed: the ends of a reservation.
package struct EndScript: Sendable {
    package enum End: Sendable, Hashable {
        case settle
        case release
        /// A release of what was admitted for certain, of which no trace stays: another shard denied the call.
        case retract
        /// A release whose record is kept for a while, so that a settlement that comes after all can be charged.
        case withdraw
        case reap
    }

    package var end: End
    package var shard: Shard
    package var id: ReservationID
    /// As the admission answered; nil when its answer was lost.
    package var admittedMs: Int?
    /// One line of JSON: the usage event. Empty: none is handed on. Not used by a release.
    package var event: [UInt8]
    /// The counters of the admission in its order, and the units really used of each (0 for a release).
    package var counters: [(counter: CounterKey, units: Int)]
    /// A fixed time for tests; nil: the server's clock.
    package var nowMs: Int?

    package enum Reply: Sendable, Equatable {
        /// It ended now. `skipped` counters could not be corrected, since they do not hold what Weir writes.
        case ended(skipped: Int)
        /// It had ended before; nothing changed.
        case endedBefore
        /// It had been settled for an orphan; the difference was charged.
        case corrected(skipped: Int)
        /// Too old to be remembered: only the event was appended.
        case eventOnly
        /// Its lease was renewed: nothing to reap.
        case alive
        /// Nor is it while one of its budgets is gone, until that has been made anew.
        case notReady
    }

    package init(
        _ end: End, shard: Shard, id: ReservationID, admittedMs: Int? = nil, event: [UInt8] = [],
        counters: [(counter: CounterKey, units: Int)], nowMs: Int? = nil
    ) {
        self.end = end
        self.shard = shard
        self.id = id
        self.admittedMs = admittedMs
        self.event = event
        self.counters = counters
        self.nowMs = nowMs
    }

    /// What became of it, and for a settlement where in its shard's stream the event stands: there, or before.
    package struct Outcome: Sendable, Equatable {
        package var reply: Reply
        /// The shard's epoch at that moment; nil: not ready, or no settlement.
        package var epoch: String?
        package var streamID: StreamID?
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        try await end(on: connection).reply
    }

    package func end(on connection: RedisConnection) async throws(RedisError) -> Outcome {
        let script =
            switch end {
            case .settle: ScriptCatalogue.settle
            case .release, .retract, .withdraw: ScriptCatalogue.release
            case .reap: ScriptCatalogue.reap
            }
        var keys = [
            RedisKeys.epoch(shard), RedisKeys.reservations(shard), RedisKeys.usage(shard),
        ]
        var packed = PackedNumbers(capacity: 3 * counters.count)
        for (counter, units) in counters {
            keys.append(counter.key)
            packed.add(counter.kind)
            packed.add(units)
            packed.add(counter.span)
        }
        let fourth: RedisArgument =
            switch end {
            case .retract: "forget"
            case .withdraw: "keep"
            case .settle, .release, .reap: .bytes(event)
            }
        let arguments: [RedisArgument] = [
            .string(id.text), .int(nowMs ?? 0), .int(admittedMs ?? id.birthMs), fourth, .bytes(packed.bytes),
        ]
        let reply = try await connection.run(script, keys: keys, arguments: arguments)
        if end == .settle, let outcome = Outcome(ofSettle: reply) { return outcome }
        let numbers = try reply.integers(of: script)
        switch (numbers.first, numbers.count) {
        case (1, 2) where end != .settle: return Outcome(reply: .ended(skipped: numbers[1]))
        case (2, 1) where end != .settle: return Outcome(reply: .endedBefore)
        case (5, 1): return Outcome(reply: .alive)
        case (-1, 1): return Outcome(reply: .notReady)
        default: throw .protocolViolation("\(script.name).lua answered \(numbers)")
        }
    }
}

extension EndScript.Outcome {
    fileprivate init(reply: EndScript.Reply) { self.init(reply: reply, epoch: nil, streamID: nil) }

    /// `{kind, epoch, stream_id}`, and how many counters were skipped where any was changed; nil: anything else.
    fileprivate init?(ofSettle value: RedisValue) {
        guard case .array(let parts) = value, parts.count >= 3, case .integer(let kind) = parts[0],
            let epoch = parts[1].plainText, let id = parts[2].plainText
        else { return nil }
        self.init(reply: .endedBefore, epoch: epoch, streamID: StreamID(id))
        switch (kind, parts.count, parts.last) {
        case (1, 4, .integer(let skipped)): reply = .ended(skipped: skipped)
        case (2, 3, _): break
        case (3, 4, .integer(let skipped)): reply = .corrected(skipped: skipped)
        case (4, 3, _): reply = .eventOnly
        default: return nil
        }
    }
}
