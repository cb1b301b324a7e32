import NIOCore
import WeirCore
import WeirRedis

/// The steps of a reservation that any node may take, by what Redis has of it.
extension Enforcer {
    /// What became of a reservation of this team's.
    package func find(
        _ id: String, team: String, on loop: any EventLoop
    ) async throws(EnforcerError) -> FoundReservation {
        try requireStarted()
        if let held = blindReservations.find(id) { return held.event.team == team ? .held(held) : .unknown }
        let shard = Shard(of: team, count: shardCount)
        let text: String?
        do {
            let connection = pool.connection(for: loop)
            text = try await connection.send(["HGET", .string(RedisKeys.reservations(shard)), .string(id)]).text
            // Nothing is known in a shard that is not ready, which is not the same as unknown.
            if text == nil, try await connection.send(["GET", .string(RedisKeys.epoch(shard))]).text == nil {
                throw EnforcerError.outage(reason: "shard \(shard.tag) is not ready")
            }
        } catch let error as RedisError {
            throw EnforcerError(error)
        } catch let error as EnforcerError {
            throw error
        } catch {
            throw .misconfigured(reason: "\(error)")
        }
        guard let text else { return .unknown }
        func recorded(_ record: HeldRecord?) -> RecordedReservation? {
            record.flatMap { RecordedReservation(id: id, $0, shard: shard) }
        }
        switch ReservationRecord(text) {
        case .held(let record): return recorded(record).map { .held($0) } ?? .unfinished
        case .settled: return .settled
        case .released(let record): return .released(recorded(record))
        case .orphaned(let record): return .orphaned(recorded(record))
        case nil: throw .misconfigured(reason: "reservation \(id) in \(RedisKeys.reservations(shard)) cannot be read")
        }
    }

    /// Holds it for `leaseMs` from now, and records what it is charged if nobody settles it.
    ///
    /// - Returns: false if it has ended, or Redis does not know it (any more).
    package func hold(
        _ reservation: RecordedReservation, leaseMs: Int, observed event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Bool {
        guard let id = ReservationID(reservation.id) else { return false }
        if reservation.blind != nil {
            return blindReservations.hold(
                reservation, untilMs: clock.nowMs.addingSaturated(leaseMs), observed: event)
        }
        let observed = event.orphaned.json()
        var isHeld = true
        // The event's part last: once it is renewed, all are.
        for part in reservation.sides + [reservation.home] {
            let script = RenewScript(
                shard: part.shard, id: id, leaseMs: leaseMs, observed: observed,
                inFlight: part.holds.filter { $0.counter.counter == .inFlight && $0.unit != nil }.map(\.counter.key))
            do {
                switch try await script.run(on: pool.connection(for: loop)) {
                case .renewed: break
                case .lost: isHeld = false
                case .notReady: throw EnforcerError.outage(reason: "shard \(part.shard.tag) is not ready")
                }
            } catch let error as RedisError {
                throw EnforcerError(error)
            } catch let error as EnforcerError {
                throw error
            } catch {
                throw .misconfigured(reason: "\(error)")
            }
        }
        return isHeld
    }

    /// As ``settle(_:as:on:)-(Reservation,_,_)``, by whichever node.
    package func settle(_ reservation: RecordedReservation, as event: UsageEvent, on loop: any EventLoop) async {
        guard let event = ended(reservation, as: event) else { return }
        await end(reservation, charging: event, on: loop)
    }

    /// - Parameter loop: nil: any of the pool's.
    func end(_ reservation: RecordedReservation, charging event: UsageEvent, on loop: (any EventLoop)? = nil) async {
        await end(.settle, reservation, event: event.json(), on: loop ?? pool.any.eventLoop) {
            $0?.units(of: event) ?? 0
        }
    }

    /// Gives everything back, and remembers for a while what it was: a settlement that comes after all is charged.
    package func release(_ reservation: RecordedReservation, on loop: any EventLoop) async {
        if reservation.blind != nil {
            _ = ended(reservation, as: nil)
            return
        }
        await end(.withdraw, reservation, event: [], on: loop) { _ in 0 }
    }

    private func end(
        _ end: EndScript.End, _ reservation: RecordedReservation, event: [UInt8], on loop: any EventLoop,
        units: @Sendable (Limit.Unit?) -> Int
    ) async {
        guard let id = ReservationID(reservation.id) else { return }
        func script(_ part: RecordedReservation.Part, _ event: [UInt8]) -> EndScript {
            EndScript(
                end, shard: part.shard, id: id, admittedMs: reservation.event.calledAtMs, event: event,
                counters: part.holds.map { (counter: $0.counter, units: units($0.unit)) })
        }
        // The event's part last: as long as it stands, whoever repeats the step finds the others, too.
        for part in reservation.sides { await bring(script(part, []), on: loop) }
        await bring(script(reservation.home, event), on: loop)
    }
}
