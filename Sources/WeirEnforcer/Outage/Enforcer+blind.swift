import Logging
import NIOCore
import WeirCore
import WeirRedis

/// What happens to calls that Redis gives no answer to.
extension Enforcer {
    /// Judges by what this node has in memory, as Redis last said it: kill switch and limited set. (Identity, product and
    /// models were judged so before.) Limits are not checked: the allowance takes their place.
    ///
    /// - Parameter reason: why there is no answer.
    /// - Throws: ``EnforcerError/degraded(reason:)`` if it must not be admitted.
    func decideBlind(
        _ call: Call, candidates: [Candidate], event: UsageEvent, because reason: String
    ) throws(EnforcerError) -> Decision {
        let snapshot = try replica.lastKnown()
        guard let inForce = snapshot.inForce else { throw .degraded(reason: reason) }
        outages.failed(inForce, because: reason)
        let nowMs = clock.nowMs
        let open: [Int]
        switch Gate.open(candidates, for: call, in: snapshot, nowMs: nowMs) {
        case .denied(let denial): return denied(denial, call, event)
        case .open(let indices): open = indices
        }
        // Which budget is nearly full nobody can say, so the call is served as it was asked for.
        let candidate = candidates[open[0]]
        let isQuestion = event.id == ReservationID.none.text
        let plan = try planBlind(call, on: candidate, inForce, nowMs: nowMs)
        let known = isQuestion ? nil : blindReservations.find(event.id)?.blind
        guard
            let blind = known
                ?? outages.admit(
                    inForce, product: call.product, cost: candidate.estimate.cost, isQuestion: isQuestion)
        else { throw .degraded(reason: reason) }
        return .admitted(
            Reservation(
                id: event.id, admittedAtMs: nowMs, leaseMs: leaseMs, call: call.served(by: candidate),
                candidate: open[0], shard: plan.home.shard.number, holds: plan.home.chargedLater(nowMs: nowMs),
                sideParts: plan.sides.map {
                    Reservation.Part(
                        shard: $0.shard.number, admittedAtMs: nowMs, holds: $0.chargedLater(nowMs: nowMs))
                }, blind: blind))
    }

    /// The counters that the call is charged to when it has ended.
    private func planBlind(
        _ call: Call, on candidate: Candidate, _ inForce: PolicyInForce, nowMs: Int
    ) throws(EnforcerError) -> LimitPlan {
        let covering = inForce.limits(covering: call, candidates: [candidate])
        return try LimitPlan(
            covering, overrides: replica.overrides.lastKnown(for: covering.names, nowMs: nowMs), call: call,
            candidates: [candidate], home: shard(of: call), shardCount: shardCount, nowMs: nowMs)
    }

    /// The key's record as Redis last told it. That it was revoked meanwhile cannot be known.
    func lastKnownKey(sha256: String, because reason: String) throws(EnforcerError) -> APIKeyRecord {
        if let inForce = try replica.lastKnown().inForce { outages.failed(inForce, because: reason) }
        guard outages.isOpen, let record = replica.keys.lastKnown(sha256) else { throw .degraded(reason: reason) }
        return record
    }

    /// The event as it is handed on, and of a blind call its allowance corrected to what it cost.
    func recorded(_ event: consuming UsageEvent, of reservation: Reservation) -> UsageEvent {
        guard let blind = reservation.blind else { return event }
        outages.ended(blind, cost: event.cost)
        event.extra[UsageEvent.blind] = "1"
        return event
    }

    /// Ends a reservation that is in memory alone, once.
    ///
    /// - Parameter event: what it used; nil: nothing.
    /// - Returns: the event to be handed on; nil: none, or not any more. Of one that is in Redis, the event itself.
    func ended(_ reservation: RecordedReservation, as event: UsageEvent?) -> UsageEvent? {
        guard let blind = reservation.blind else { return event }
        guard blindReservations.take(reservation.id) != nil else { return nil }
        outages.ended(blind, cost: event?.cost ?? .zero)
        var event = event
        event?.extra[UsageEvent.blind] = "1"
        return event
    }

    /// Charges whole what nobody has settled.
    func charge(_ reservation: RecordedReservation) async {
        guard let blind = reservation.blind else { return }
        var event = reservation.event.orphaned
        outages.ended(blind, cost: event.cost)
        event.extra[UsageEvent.blind] = "1"
        await end(reservation, charging: event)
    }

    // MARK: How it stands

    /// - Throws: ``EnforcerError/outage(reason:)`` while Redis gives no answer, or what it holds may not be believed.
    private func requireRedis() throws(EnforcerError) {
        _ = try replica.current()
        if let reason = epochs.unreadyReason { throw .outage(reason: reason) }
    }

    /// Nil when nothing is wrong, or calls are admitted blind; else why not.
    func outageReason() throws(EnforcerError) -> String? {
        do throws(EnforcerError) {
            try requireRedis()
            return outages.isShut ? "closed: Redis gives no answer, and nothing is admitted blind" : nil
        } catch .outage(let reason) {
            return outages.isOpen ? nil : "closed: \(reason)"
        }
    }

    /// How the node stands under each outage policy.
    package var outageStandings: [OutageStanding] { outages.standings((try? replica.lastKnown())?.inForce) }

    /// Finds out that time is used up, and that Redis is away or back, also while nobody calls. Until cancelled.
    func watchOutage() async {
        while !Task.isCancelled {
            do throws(EnforcerError) {
                try requireRedis()
                if let readAt = replica.readAt { outages.wasRead(readAt) }
            } catch {
                if case .outage(let reason) = error, let inForce = (try? replica.lastKnown())?.inForce {
                    outages.failed(inForce, because: reason)
                }
            }
            for reservation in blindReservations.takeExpired(nowMs: clock.nowMs) { await charge(reservation) }
            // Cancelled: the loop ends.
            try? await Task.sleep(for: Replica.lostInterval)
        }
    }
}

extension LimitPlan.Part {
    /// Nothing is held; at the end each limit is charged what was used.
    fileprivate func chargedLater(nowMs: Int) -> [Reservation.Hold] {
        holds(
            .init(rung: 0, held: steps.map { _ in 0 }), steps.map { _ in nil }, nowMs: nowMs)
    }
}
