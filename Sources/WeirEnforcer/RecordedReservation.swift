import WeirCore
import WeirRedis

/// A reservation as any node can read it from Redis, and end it.
package struct RecordedReservation: Sendable {
    package let id: String
    /// As it was last observed; `calledAtMs` is the time of its admission, by Redis's clock.
    package internal(set) var event: UsageEvent
    /// As its admission assumed that it would be.
    package let assumed: UsageEvent
    /// Milliseconds since 1970.
    package internal(set) var leaseEndMs: Int
    let home: Part
    let sides: [Part]
    /// Set if it was admitted without Redis, and is in this node's memory alone.
    var blind: Reservation.Blind?

    /// What it holds in one shard.
    struct Part: Sendable {
        let shard: Shard
        var holds: [CallRecord.Hold]
    }

    /// Of an admission that was just made here.
    package init(_ reservation: Reservation, event: UsageEvent) {
        func part(_ part: Reservation.Part) -> Part {
            Part(
                shard: Shard(number: part.shard),
                holds: part.holds.map { hold in
                    CallRecord.Hold(
                        counter: CounterKey(hold, admittedAtMs: part.admittedAtMs),
                        unit: hold.isCharged ? hold.unit : nil)
                })
        }
        id = reservation.id
        self.event = event
        assumed = event
        leaseEndMs = reservation.admittedAtMs.addingSaturated(reservation.leaseMs)
        home = part(reservation.home)
        sides = reservation.sideParts.map(part)
        blind = reservation.blind
    }

    /// Nil for one that was not renewed since its admission: when exactly that was, its record does not say, and what is
    /// given back at another time would let more than an amount through.
    init?(id: String, _ record: HeldRecord, shard: Shard) {
        guard let observed = record.observed, !record.call.isSide else { return nil }
        self.id = id
        event = observed
        assumed = record.call.event
        leaseEndMs = record.leaseEndMs
        home = Part(
            shard: shard,
            holds: zip(record.call.holds, record.call.units).map { CallRecord.Hold(counter: $0, unit: $1) })
        var sides: [Part] = []
        for hold in record.call.sides {
            guard let shard = Shard(ofKey: hold.counter.key) else { return nil }
            if let index = sides.firstIndex(where: { $0.shard == shard }) {
                sides[index].holds.append(hold)
            } else {
                sides.append(Part(shard: shard, holds: [hold]))
            }
        }
        self.sides = sides
    }
}

/// What is known of a reservation's id.
package enum FoundReservation: Sendable {
    case unknown
    /// Its node has not finished admitting it, or makes the call itself and has seen nothing of it yet.
    case unfinished
    case held(RecordedReservation)
    case settled
    /// What it held, if that was kept: a settlement that comes after all is charged.
    case released(RecordedReservation?)
    /// Settled by the reaper at what was last observed.
    case orphaned(RecordedReservation?)
}
