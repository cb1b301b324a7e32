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
        if let denial = Gate.denial(of: call, in: snapshot, nowMs: clock.nowMs) {
            return .denied(try await withOverride(denial, on: loop))
        }
        guard let id = ReservationID(event.id) else {
            throw .misconfigured(reason: "a reservation's id must be a ULID, not \(event.id)")
        }
        let asked = AskedCall(call: call, id: id, estimate: estimate, event: event, loop: loop)
        let covering = try CoveringLimits(policy: policy, call: call)
        let overrides: [Int: Int]
        // Known without waiting, but for a subject's first call.
        switch replica.overrides.answer(for: covering.names, nowMs: clock.nowMs) {
        case .known(let known): overrides = known
        case .ask(let question): overrides = try await ask(question, on: loop)
        }
        let home = shard(of: call)
        // Parts that are admitted already, in other shards than the home's.
        var held: [Reservation.Part] = []
        // At a day's end, or after a step of this node's clock, the keys may be named for the wrong time, once: the script
        // tells the right one.
        for _ in 0..<2 {
            let namedAtMs = clock.nowMs
            let plan = LimitPlan(
                covering, overrides: overrides, call: call, estimate: estimate, home: home, shardCount: shardCount,
                nowMs: namedAtMs)
            let answer =
                plan.sides.isEmpty
                ? await admit(plan.home, of: asked, namedAtMs: namedAtMs, isSide: false)
                : await admitParts(of: plan, asked, namedAtMs: namedAtMs, held: &held)
            switch answer {
            case .admitted(let part):
                return .admitted(
                    Reservation(
                        id: id.text, admittedAtMs: part.admittedAtMs, leaseMs: leaseMs, call: call, shard: part.shard,
                        holds: part.holds, sideParts: held))
            case .denied(let denial): return .denied(denial)
            case .failed(let error): throw error
            case .wrongTime: break
            }
        }
        giveBack(held, of: asked)
        throw .degraded(reason: "Redis's clock jumps")
    }

    private func ask(
        _ question: Overrides.Question, on loop: any EventLoop
    ) async throws(EnforcerError) -> [Int: Int] {
        do {
            return try await replica.overrides.ask(question, nowMs: clock.nowMs, on: pool.connection(for: loop))
        } catch { throw EnforcerError(error) }
    }

    /// The limited set does not say what the team's amount was: its own, if it has one.
    private func withOverride(_ denial: Denial, on loop: any EventLoop) async throws(EnforcerError) -> Denial {
        guard denial.reason == .teamLimited, let limit = denial.limit, let subject = denial.subject else {
            return denial
        }
        var denial = denial
        let name = OverrideName(limit: limit, subject: subject)
        let amounts: [Int: Int]
        switch replica.overrides.answer(for: [name], nowMs: clock.nowMs) {
        case .known(let known): amounts = known
        case .ask(let question): amounts = try await ask(question, on: loop)
        }
        if let amount = amounts[0] { (denial.amount, denial.amountSource) = (amount, .override) }
        return denial
    }

    /// One call that asks to be admitted.
    struct AskedCall: Sendable {
        let call: Call
        let id: ReservationID
        let estimate: Estimate
        let event: UsageEvent
        let loop: any EventLoop
    }

    /// What became of one part, or of all of them.
    enum PartAnswer: Sendable {
        case admitted(Reservation.Part)
        case denied(Denial)
        /// The keys were named for the wrong time; the clock is right now.
        case wrongTime
        /// Nothing is held, or will be given back.
        case failed(EnforcerError)
    }

    /// Asks one shard.
    func admit(_ part: LimitPlan.Part, of asked: AskedCall, namedAtMs: Int, isSide: Bool) async -> PartAnswer {
        let script = AdmitScript(
            shard: part.shard, id: asked.id, namedAtMs: namedAtMs, leaseMs: leaseMs,
            call: CallRecord.json(
                holds: part.steps.map(\.counter), units: part.steps.map(\.limit.unit),
                event: asked.event.ifOrphaned(asked.estimate, calledAtMs: namedAtMs).json(), isSide: isSide),
            limits: part.scriptEntries)
        let reply: AdmitScript.Reply
        do {
            reply = try await script.run(on: pool.connection(for: asked.loop))
        } catch {
            switch error {
            case .timedOut, .disconnected, .cancelled, .protocolViolation:
                // It may have run, or may run yet: give back what it holds or would hold.
                let release = EndScript(
                    .release, shard: script.shard, id: script.id,
                    counters: part.steps.map { (counter: $0.counter, units: 0) })
                unsettled.add(release, because: error)
            case .unavailable, .serverBusy, .writeRefused, .configuration, .server: break
            }
            return .failed(EnforcerError(error))
        }
        switch reply {
        case .admitted(let nowMs, let remaining):
            clock.learn(redisMs: nowMs)
            return .admitted(
                Reservation.Part(
                    shard: part.shard.number, admittedAtMs: nowMs, holds: part.holds(remaining, nowMs: nowMs)))
        case .denied(let nowMs, let limit, let used, let reserved, let retryAfterMs):
            clock.learn(redisMs: nowMs)
            return .denied(
                Denial(
                    step: part.steps[limit], used: used, reserved: reserved, retryAfterMs: retryAfterMs, nowMs: nowMs))
        case .wrongTime(let nowMs):
            clock.learn(redisMs: nowMs)
            return .wrongTime
        case .notReady: return .failed(.degraded(reason: "shard \(part.shard.tag) is not ready"))
        case .ended: return .failed(.degraded(reason: "reservation \(asked.id.text) has ended already"))
        }
    }
}

extension LimitPlan.Part {
    fileprivate func holds(_ remaining: [Int?], nowMs: Int) -> [Reservation.Hold] {
        zip(steps, remaining).map { step, remaining in
            var resetsInMs = 0
            switch step.counter.counter {
            case .log(let windowMs), .ring(let windowMs): resetsInMs = windowMs
            case .budget: resetsInMs = max(0, step.counter.span - nowMs)
            case .inFlight: break
            }
            return Reservation.Hold(
                limit: step.limit.id, subject: step.subject.text, unit: step.limit.unit, key: step.counter.key,
                counter: step.counter.counter, held: step.cost, amount: step.amount, source: step.source,
                remaining: remaining ?? .max, resetsInMs: resetsInMs)
        }
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
