import Logging
import NIOCore
import Synchronization
import WeirCore
import WeirRedis

extension Enforcer {
    /// Kill switch, limited set, and every limit that covers the call: its cost is reserved in all of them, or it is
    /// denied and nothing is charged. (Whether the key may use the models is the door's to ask beforehand.)
    ///
    /// - Parameter candidates: the models that may serve it, the first as asked, then cheaper ones; at least one, at most
    ///   ``Policy/mostRungs``. The reservation says which one serves.
    /// - Parameter event: the call's usage event, its `id` from ``makeReservationID()``. Kept with the reservation as
    ///   what it is charged if the node dies at once: the estimate's `observed`.
    package func admit(
        _ call: Call, candidates: [Candidate], event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Decision {
        if let reason = unreadyReason { throw .degraded(reason: reason) }
        let snapshot = try replica.current()
        guard let policy = snapshot.policy else { throw .degraded(reason: "no policy has been published") }
        let open: [Int]
        switch Gate.open(candidates, for: call, in: snapshot, nowMs: clock.nowMs) {
        case .denied(let denial): return .denied(denial)
        case .open(let indices): open = indices
        }
        guard let id = ReservationID(event.id) else {
            throw .misconfigured(reason: "a reservation's id must be a ULID, not \(event.id)")
        }
        let shard = shard(of: call)
        // At a day's end, or after a step of this node's clock, the keys may be named for the wrong time, once: the script
        // tells the right one.
        for _ in 0..<2 {
            let namedAtMs = clock.nowMs
            let plan = try LimitPlan(
                policy: policy, call: call, candidates: open.map { candidates[$0] },
                expected: { self.expected($0, product: call.product) }, shard: shard, nowMs: namedAtMs)
            let script = AdmitScript(plan, event: event, id: id, shard: shard, leaseMs: leaseMs, namedAtMs: namedAtMs)
            switch try await reply(to: script, plan: plan, on: loop) {
            case .admitted(let nowMs, let remaining, let chosen):
                clock.learn(redisMs: nowMs)
                let served = chosen?.rung ?? 0
                return .admitted(
                    Reservation(
                        id: id.text, admittedAtMs: nowMs, leaseMs: leaseMs,
                        call: call.served(by: plan.candidates[served]), candidate: open[served],
                        estimate: plan.learns ? plan.candidates[served].estimate : nil,
                        bound: chosen.flatMap(plan.bound), shard: shard.number,
                        holds: plan.holds(of: served, chosen?.held, remaining, nowMs: nowMs)))
            case .denied(let nowMs, let limit, let used, let reserved, let retryAfterMs):
                clock.learn(redisMs: nowMs)
                return .denied(
                    Denial(
                        step: plan.steps[limit], used: used, reserved: reserved, retryAfterMs: retryAfterMs,
                        nowMs: nowMs))
            case .wrongTime(let nowMs): clock.learn(redisMs: nowMs)
            case .notReady: throw .degraded(reason: "shard \(shard.tag) is not ready")
            case .ended: throw .degraded(reason: "reservation \(id.text) has ended already")
            }
        }
        throw .degraded(reason: "Redis's clock jumps")
    }

    /// A call that one model alone may serve.
    package func admit(
        _ call: Call, estimate: Estimate, event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Decision {
        try await admit(
            call,
            candidates: [Candidate(model: call.model, estimate: estimate, isModelKnown: event.isModelKnown)],
            event: event, on: loop)
    }

    private func expected(_ candidate: Candidate, product: String) -> Estimate? {
        expectedUsages.withLock {
            $0.expected(of: candidate.estimate, for: .init(model: candidate.model, product: product))
        }
    }

    /// Remembers what a call of a limit with `reserve: expected` really used.
    func learn(_ reservation: Reservation, _ event: UsageEvent) {
        guard let estimate = reservation.estimate, event.outcome == .completed, event.tokens.total > 0 else { return }
        let key = ExpectedUsages.Key(model: reservation.call.model, product: reservation.call.product)
        expectedUsages.withLock { $0.learn(event.tokens, of: estimate, for: key) }
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
}

extension AdmitScript {
    init(_ plan: LimitPlan, event: UsageEvent, id: ReservationID, shard: Shard, leaseMs: Int, namedAtMs: Int) {
        func record(_ candidate: Int) -> [UInt8] {
            let costs = plan.costs(of: candidate)
            return CallRecord.json(
                holds: plan.steps.map(\.counter),
                units: zip(plan.steps, costs).map { step, cost in cost == nil ? nil : step.limit.unit },
                event: event.ifOrphaned(plan.candidates[candidate], calledAtMs: namedAtMs).json(),
                rung: plan.lower.isEmpty ? nil : candidate + 1)
        }
        self.init(
            shard: shard, id: id, namedAtMs: namedAtMs, leaseMs: leaseMs, call: record(0), limits: plan.scriptEntries,
            lower: plan.lower.indices.map { Rung(call: record($0 + 1), costs: plan.lower[$0]) })
    }
}

extension LimitPlan {
    /// - Parameter held: as the script answered, where it had a choice.
    fileprivate func holds(of candidate: Int, _ held: [Int]?, _ remaining: [Int?], nowMs: Int) -> [Reservation.Hold] {
        let costs = costs(of: candidate)
        return steps.indices.map { index in
            let step = steps[index]
            var resetsInMs = 0
            switch step.counter.counter {
            case .log(let windowMs), .ring(let windowMs): resetsInMs = windowMs
            case .budget: resetsInMs = max(0, step.counter.span - nowMs)
            case .inFlight: break
            }
            return Reservation.Hold(
                limit: step.limit.id, subject: step.subject.text, unit: step.limit.unit, key: step.counter.key,
                counter: step.counter.counter, held: held?[index] ?? costs[index] ?? 0,
                amount: step.amount, remaining: remaining[index] ?? .max, resetsInMs: resetsInMs,
                isCharged: costs[index] != nil)
        }
    }
}

extension UsageEvent {
    /// The event if the node died right after the admission.
    fileprivate func ifOrphaned(_ candidate: Candidate, calledAtMs: Int) -> UsageEvent {
        var event = self
        event.calledAtMs = calledAtMs
        (event.model, event.isModelKnown) = (candidate.model, candidate.isModelKnown)
        (event.tokens, event.cost) = (candidate.estimate.observed, candidate.estimate.observedCost)
        return event.orphaned
    }

    var orphaned: UsageEvent {
        var event = self
        (event.outcome, event.isOK) = (.orphaned, false)
        return event
    }
}
