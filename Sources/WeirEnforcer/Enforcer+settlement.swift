import Logging
import NIOCore
import WeirCore
import WeirRedis

extension Enforcer {
    /// Holds the reservation for another lease and records what was observed so far. Every ``renewalInterval`` while a
    /// call lives, and at once when ``announcements`` has grown. A Redis that has forgotten it is told of it again; one that
    /// has ended is left as it is: its settlement is charged all the same.
    package func renew(
        _ reservation: Reservation, observed event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) {
        // What was admitted blind has no lease.
        guard reservation.blind == nil, let id = ReservationID(reservation.id) else { return }
        let observed = event.orphaned.json()
        // One after the other: a renewal is nobody's wait, and what one part misses its next renewal brings.
        var failure: EnforcerError?
        for part in [reservation.home] + reservation.sideParts {
            let script = RenewScript(
                shard: Shard(number: part.shard), id: id, leaseMs: leaseMs, observed: observed,
                inFlight: part.holds.filter { $0.counter == .inFlight && $0.isCharged }.map(\.key))
            do {
                let connection = pool.connection(for: loop)
                switch try await script.run(on: connection) {
                case .renewed: break
                case .lost, .notReady:
                    try await announce(
                        part, of: reservation, id: id, observed: observed, isSide: part.shard != reservation.shard,
                        on: connection)
                }
            } catch { failure = failure ?? EnforcerError(error) }
        }
        if let failure { throw failure }
    }

    /// Replaces the reservation by the real usage and hands the event on. Returns when it stands, or has been put on
    /// the list of those that are repeated, with the same id, until they stand.
    package func settle(_ reservation: Reservation, as event: UsageEvent, on loop: any EventLoop) async {
        learn(reservation, event)
        let event = recorded(event, of: reservation)
        await end(.settle, reservation, event: event.json(), on: loop) { $0.isCharged ? $0.unit.units(of: event) : 0 }
    }

    /// Gives everything back: the call never reached a provider. Repeated until it stands, like ``settle(_:as:on:)``.
    package func release(_ reservation: Reservation, on loop: any EventLoop) async {
        if let blind = reservation.blind { return outages.ended(blind, cost: .zero) }
        await end(.release, reservation, event: [], on: loop) { _ in 0 }
    }

    /// As ``release(_:on:)``, of parts that are admitted for certain, when another one denied the call.
    func retract(_ reservation: Reservation, on loop: any EventLoop) async {
        await end(.retract, reservation, event: [], on: loop) { _ in 0 }
    }

    private func end(
        _ end: EndScript.End, _ reservation: Reservation, event: [UInt8], on loop: any EventLoop,
        units: (Reservation.Hold) -> Int
    ) async {
        guard let id = ReservationID(reservation.id) else {
            logger.error("not a reservation's id", metadata: ["reservation": "\(reservation.id)"])
            return
        }
        // The event goes with the home part, the others only correct what they hold.
        let home = EndScript(end, id, reservation.home, event: event, units: units)
        if reservation.sideParts.isEmpty { return await bring(home, on: loop) }
        let sides = reservation.sideParts.map { EndScript(end, id, $0, units: units) }
        await withTaskGroup { group in
            for script in [home] + sides { group.addTask { await self.bring(script, on: loop) } }
        }
    }

    /// Brings one end to stand, or on the list of those that are repeated. A settlement's event is in the outbox, if there is
    /// one, when this returns.
    func bring(_ script: EndScript, on loop: any EventLoop) async {
        guard let outbox, script.end == .settle, !script.event.isEmpty else {
            return await bring(script, kept: nil, on: loop)
        }
        let kept = outbox.add(script, atMs: clock.nowMs)
        #if DEBUG
            if crashPoint == .beforeSettlement {
                await outbox.written(kept.ticket, on: loop)
                CrashPoint.die()
            }
        #endif
        await bring(script, kept: kept, on: loop)
        // Mostly long since: it is written while Redis answers.
        await outbox.written(kept.ticket, on: loop)
    }

    private func bring(
        _ script: EndScript, kept: (ticket: OutboxRow.Ticket, known: Outbox.Known)?, on loop: any EventLoop
    ) async {
        let known = kept?.known ?? outbox?.known(script.shard)
        var call = UnsettledCall(script: script, ticket: kept?.ticket, mayHaveRun: false, epoch: known?.epoch)
        let outcome: EndScript.Outcome
        do {
            outcome = try await script.end(on: pool.connection(for: loop))
        } catch {
            call.mayHaveRun = error.mayHaveRun
            return unsettled.add(call, because: error)
        }
        switch outcome.reply {
        case .ended(let skipped), .corrected(let skipped):
            if skipped > 0 {
                logger.error(
                    "counters that weir did not write were left as they are",
                    metadata: ["reservation": "\(script.id.text)", "counters": "\(skipped)"])
            }
        case .endedBefore, .eventOnly, .alive: break
        case .notReady: return unsettled.add(call, because: nil)
        }
        if let kept, let outbox, !outbox.stands(kept.ticket, outcome, run: kept.known.run) {
            (call.mayHaveRun, call.epoch) = (true, nil)
            unsettled.again(call)
        }
    }
}

extension EndScript {
    /// The end of what a reservation holds in one shard.
    init(
        _ end: End, _ id: ReservationID, _ part: Reservation.Part, event: [UInt8] = [],
        units: (Reservation.Hold) -> Int
    ) {
        self.init(
            end, shard: Shard(number: part.shard), id: id, admittedMs: part.admittedAtMs, event: event,
            counters: part.holds.map { hold in
                (counter: CounterKey(hold, admittedAtMs: part.admittedAtMs), units: units(hold))
            })
    }
}

extension CounterKey {
    /// The counter that a reservation holds units of.
    init(_ hold: Reservation.Hold, admittedAtMs: Int) {
        let span =
            switch hold.counter {
            case .log(let windowMs), .ring(let windowMs): windowMs
            // The admission said how far off the period's end was.
            case .budget: admittedAtMs + hold.resetsInMs
            case .inFlight: 0
            }
        self.init(key: hold.key, counter: hold.counter, span: span)
    }
}
