import WeirCore

/// lua/renew.lua, typed.
package struct RenewScript: Sendable {
    package var shard: Shard
    package var id: ReservationID
    package var leaseMs: Int
    /// One line of JSON: the usage event if the node died now.
    package var observed: [UInt8]
    /// Keys of the counters of calls in flight.
    package var inFlight: [String]
    package var nowMs: Int?

    package enum Reply: Sendable, Equatable {
        case renewed
        /// It has ended, or this Redis never saw it.
        case lost
        case notReady
    }

    package init(
        shard: Shard, id: ReservationID, leaseMs: Int, observed: [UInt8], inFlight: [String], nowMs: Int? = nil
    ) {
        self.shard = shard
        self.id = id
        self.leaseMs = leaseMs
        self.observed = observed
        self.inFlight = inFlight
        self.nowMs = nowMs
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        let numbers = try await connection.run(
            ScriptCatalogue.renew, keys: [RedisKeys.epoch(shard), RedisKeys.reservations(shard)] + inFlight,
            arguments: [.string(id.text), .int(nowMs ?? 0), .int(leaseMs), .bytes(observed)]
        ).integers(of: ScriptCatalogue.renew)
        switch numbers {
        case [1]: return .renewed
        case [0]: return .lost
        case [-1]: return .notReady
        default: throw .protocolViolation("renew.lua answered \(numbers)")
        }
    }
}
