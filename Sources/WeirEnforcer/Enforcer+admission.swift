import Logging
import NIOCore
import WeirCore
import WeirRedis

extension Enforcer {
    /// Kill switch, limited set, and every limit that covers the call: its cost is reserved in all of them, or it is
    /// denied and nothing is charged. (Whether the key may use the model is the door's to ask beforehand.)
    ///
    /// - Parameter event: the call's usage event, its `id` from ``makeReservationID()``. Kept with the reservation as
    ///   what it is charged if the node dies at once: the estimate's `observed`.
    package func admit(
        _ call: Call, estimate: Estimate, event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Decision {
        if let reason = unreadyReason { throw .degraded(reason: reason) }
        let snapshot = try replica.current()
        guard let policy = snapshot.policy else { throw .degraded(reason: "no policy has been published") }
        if let denial = Gate.denial(of: call, in: snapshot, nowMs: clock.nowMs) { return denied(denial, call) }
        guard let id = ReservationID(event.id) else {
            throw .misconfigured(reason: "a reservation's id must be a ULID, not \(event.id)")
        }
        let shard = shard(of: call)
        // At a day's end, or after a step of this node's clock, the keys may be named for the wrong time, once: the script
        // tells the right one.
        for _ in 0..<2 {
            let namedAtMs = clock.nowMs
            let plan = try LimitPlan(policy: policy, call: call, estimate: estimate, shard: shard, nowMs: namedAtMs)
            let script = AdmitScript(
                shard: shard, id: id, namedAtMs: namedAtMs, leaseMs: leaseMs,
                call: CallRecord.json(
                    holds: plan.steps.map(\.counter), units: plan.steps.map(\.limit.unit),
                    event: event.ifOrphaned(estimate, calledAtMs: namedAtMs).json()),
                limits: plan.scriptEntries)
            switch try await reply(to: script, plan: plan, on: loop) {
            case .admitted(let nowMs, let remaining):
                clock.learn(redisMs: nowMs)
                return .admitted(reservation(plan, remaining, call: call, id: id, shard: shard, nowMs: nowMs))
            case .denied(let nowMs, let limit, let used, let reserved, let retryAfterMs):
                clock.learn(redisMs: nowMs)
                return denied(
                    Denial(
                        step: plan.steps[limit], used: used, reserved: reserved, retryAfterMs: retryAfterMs,
                        nowMs: nowMs), call)
            case .wrongTime(let nowMs): clock.learn(redisMs: nowMs)
            case .notReady: throw .degraded(reason: "shard \(shard.tag) is not ready")
            case .ended: throw .degraded(reason: "reservation \(id.text) has ended already")
            }
        }
        throw .degraded(reason: "Redis's clock jumps")
    }

    private func denied(_ denial: Denial, _ call: Call) -> Decision {
        denials.add(denial, of: call, atMs: clock.nowMs)
        return .denied(denial)
    }

    private func reply(
        to script: AdmitScript, plan: LimitPlan, on loop: any EventLoop
    ) async throws(EnforcerError) -> AdmitScript.Reply {
        do {
            return try await script.run(on: pool.connection(for: loop))
        } catch {
            switch error {
            case .timedOut, .disconnected, .cancelled, .protocolViolation:
                // It may have run, or may run yet: give back what it holds or would hold.
                let release = EndScript(
                    .release, shard: script.shard, id: script.id,
                    counters: plan.steps.map { (counter: $0.counter, units: 0) })
                unsettled.add(release, because: error)
            case .unavailable, .serverBusy, .writeRefused, .configuration, .server: break
            }
            throw EnforcerError(error)
        }
    }

    private func reservation(
        _ plan: LimitPlan, _ remaining: [Int?], call: Call, id: ReservationID, shard: Shard, nowMs: Int
    ) -> Reservation {
        let holds = zip(plan.steps, remaining).map { step, remaining in
            var resetsInMs = 0
            switch step.counter.counter {
            case .log(let windowMs), .ring(let windowMs): resetsInMs = windowMs
            case .budget: resetsInMs = max(0, step.counter.span - nowMs)
            case .inFlight: break
            }
            return Reservation.Hold(
                limit: step.limit.id, subject: step.subject.text, unit: step.limit.unit, key: step.counter.key,
                counter: step.counter.counter, held: step.cost, amount: step.amount, remaining: remaining ?? .max,
                resetsInMs: resetsInMs)
        }
        return Reservation(
            id: id.text, admittedAtMs: nowMs, leaseMs: leaseMs, call: call, shard: shard.number, holds: holds)
    }
}

extension UsageEvent {
    /// The event if the node died right after the admission.
    fileprivate func ifOrphaned(_ estimate: Estimate, calledAtMs: Int) -> UsageEvent {
        var event = self
        event.calledAtMs = calledAtMs
        event.tokens = estimate.observed
        event.cost = estimate.observedCost
        return event.orphaned
    }

    var orphaned: UsageEvent {
        var event = self
        (event.outcome, event.isOK) = (.orphaned, false)
        return event
    }
}
