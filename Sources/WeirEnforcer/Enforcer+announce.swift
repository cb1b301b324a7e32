import Logging
import WeirCore
import WeirRedis

/// Calls that live, told to a Redis that has forgotten them.
extension Enforcer {
    /// Grows when calls that live should be renewed at once, since Redis may have forgotten them.
    package var announcements: Int { epochs.round }

    /// Holds again what one part of a reservation held.
    func announce(
        _ part: Reservation.Part, of reservation: Reservation, id: ReservationID, observed: [UInt8], isSide: Bool,
        on connection: RedisConnection
    ) async throws(RedisError) {
        let counters = part.holds.map { CounterKey($0, admittedAtMs: part.admittedAtMs) }
        let sides = isSide ? [] : reservation.sideParts
        let call = CallRecord.json(
            holds: counters, units: part.holds.map { $0.isCharged ? $0.unit : nil }, event: observed, isSide: isSide,
            sides: sides.flatMap { side in
                side.holds.map { hold in
                    CallRecord.Hold(
                        counter: CounterKey(hold, admittedAtMs: side.admittedAtMs),
                        unit: hold.isCharged ? hold.unit : nil)
                }
            })
        let script = AnnounceScript(
            shard: Shard(number: part.shard), id: id, leaseMs: leaseMs, admittedMs: part.admittedAtMs, call: call,
            observed: observed,
            limits: zip(counters, part.holds).map { counter, hold in
                AnnounceScript.Entry(
                    counter: counter, held: hold.isCharged || hold.held > 0 ? hold.held : nil, amount: hold.amount)
            })
        switch try await script.run(on: connection) {
        case .known: logger.debug("Redis knows the call", metadata: ["reservation": "\(id.text)"])
        case .notYet: logger.debug("a budget of the call is missing", metadata: ["reservation": "\(id.text)"])
        case .announced(let over):
            logger.notice(
                "announced a call that Redis had forgotten",
                metadata: ["reservation": "\(id.text)", "budgets_over_their_amount": "\(over)"])
        }
    }
}
