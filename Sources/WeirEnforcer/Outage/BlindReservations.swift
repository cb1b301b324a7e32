import Synchronization
import WeirCore

/// Reservations of callers that make their calls themselves, admitted while Redis gave no answer: only this node knows
/// them, so only here can they be settled, released or renewed. What nobody settles is charged whole when its lease has
/// run out.
final class BlindReservations: Sendable {
    /// Beyond it no more are made.
    static let largestCount = 10_000

    private let held = Mutex<[String: RecordedReservation]>([:])

    /// Keeps it, or keeps it longer.
    ///
    /// - Parameter event: what it is charged if nobody settles it.
    /// - Returns: false if there are too many.
    func hold(_ reservation: RecordedReservation, untilMs: Int, observed event: UsageEvent) -> Bool {
        var reservation = reservation
        (reservation.leaseEndMs, reservation.event) = (untilMs, event)
        return held.withLock { held in
            guard held[reservation.id] != nil || held.count < Self.largestCount else { return false }
            held[reservation.id] = reservation
            return true
        }
    }

    func find(_ id: String) -> RecordedReservation? { held.withLock { $0[id] } }

    /// Nil if it has ended already.
    func take(_ id: String) -> RecordedReservation? { held.withLock { $0.removeValue(forKey: id) } }

    func takeExpired(nowMs: Int) -> [RecordedReservation] {
        held.withLock { held in
            if held.isEmpty { return [] }
            let expired = held.values.filter { $0.leaseEndMs <= nowMs }
            for reservation in expired { held[reservation.id] = nil }
            return expired
        }
    }

    func takeAll() -> [RecordedReservation] {
        held.withLock { held in
            defer { held = [:] }
            return Array(held.values)
        }
    }
}
