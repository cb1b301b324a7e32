import NIOCore
import WeirCore
import WeirRedis

/// Asking one shard.
extension Enforcer {
    /// One call that asks to be admitted.
    struct AskedCall: Sendable {
        let call: Call
        let id: ReservationID
        let event: UsageEvent
        let loop: any EventLoop
        /// What the node takes for Redis's time: it named the keys.
        let namedAtMs: Int
    }

    /// What became of one part, or of all of them.
    enum PartAnswer: Sendable {
        case admitted(AdmittedPart)
        case denied(Denial)
        /// The keys were named for the wrong time; the clock is right now.
        case wrongTime
        /// Nothing is held, or will be given back.
        case failed(EnforcerError)
    }

    /// What one shard holds.
    struct AdmittedPart: Sendable {
        let part: LimitPlan.Part
        /// Redis's time.
        let nowMs: Int
        let remaining: [Int?]
        /// Of a call with a choice.
        let chosen: AdmitScript.Chosen?
        /// The model that the shard chose, by its place among all candidates.
        var candidate: Int

        var holds: [Reservation.Hold] { part.holds(chosen, remaining, nowMs: nowMs) }
        var bound: Reservation.Bound? { chosen.flatMap(part.bound) }

        /// Of a side, which holds enough for each model that may serve: charged is what covers the one that does.
        func holds(servedBy candidate: Candidate, _ call: Call) -> [Reservation.Hold] {
            guard chosen != nil else { return holds }
            return zip(holds, part.steps).map { hold, step in
                var hold = hold
                hold.isCharged = step.limit.covers(call, on: candidate.model)
                return hold
            }
        }
    }

    /// - Parameter candidates: the models that may serve, the first as the part's costs have it.
    /// - Parameter sides: of the home's part, the others.
    func admit(
        _ part: LimitPlan.Part, of asked: AskedCall, on candidates: [Candidate], isSide: Bool = false,
        sides: [LimitPlan.Part] = []
    ) async -> PartAnswer {
        let script = AdmitScript(part, asked, on: candidates, leaseMs: leaseMs, isSide: isSide, sides: sides)
        let reply: AdmitScript.Reply
        do {
            reply = try await script.run(on: pool.connection(for: asked.loop), onlyBelieved: true)
        } catch {
            switch error {
            // A question alone holds nothing, whether it was answered or not.
            case _ where asked.id == .none: break
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
        case .admitted(let nowMs, let remaining, let chosen):
            clock.learn(redisMs: nowMs)
            return .admitted(
                AdmittedPart(
                    part: part, nowMs: nowMs, remaining: remaining, chosen: chosen, candidate: chosen?.rung ?? 0))
        case .denied(let nowMs, let limit, let used, let reserved, let retryAfterMs):
            clock.learn(redisMs: nowMs)
            return .denied(
                Denial(
                    step: part.steps[limit], used: used, reserved: reserved, retryAfterMs: retryAfterMs, nowMs: nowMs))
        case .wrongTime(let nowMs):
            clock.learn(redisMs: nowMs)
            return .wrongTime
        case .notReady: return .failed(.outage(reason: "shard \(part.shard.tag) is not ready"))
        case .lost(let nowMs, let limit):
            clock.learn(redisMs: nowMs)
            return .failed(.missingBudget(part.steps[limit].counter.key))
        case .ended: return .failed(.degraded(reason: "reservation \(asked.id.text) has ended already"))
        }
    }
}

extension AdmitScript {
    fileprivate init(
        _ part: LimitPlan.Part, _ asked: Enforcer.AskedCall, on candidates: [Candidate], leaseMs: Int, isSide: Bool,
        sides: [LimitPlan.Part]
    ) {
        func record(_ candidate: Int) -> [UInt8] {
            let costs = part.costs(of: candidate)
            return CallRecord.json(
                holds: part.steps.map(\.counter),
                units: zip(part.steps, costs).map { step, cost in cost == nil ? nil : step.limit.unit },
                event: asked.event.ifOrphaned(candidates[candidate], calledAtMs: asked.namedAtMs).json(),
                rung: part.lower.isEmpty ? nil : candidate + 1, isSide: isSide,
                sides: sides.flatMap(\.steps).map { step in
                    CallRecord.Hold(
                        counter: step.counter,
                        unit: step.limit.covers(asked.call, on: candidates[candidate].model) ? step.limit.unit : nil)
                })
        }
        self.init(
            shard: part.shard, id: asked.id, namedAtMs: asked.namedAtMs, leaseMs: leaseMs, call: record(0),
            limits: part.scriptEntries(candidates: candidates),
            lower: part.lower.indices.map { Rung(call: record($0 + 1), costs: part.lower[$0]) })
    }
}

extension UsageEvent {
    /// The event if the node died right after the admission.
    fileprivate consuming func ifOrphaned(_ candidate: Candidate, calledAtMs: Int) -> UsageEvent {
        var event = self
        event.calledAtMs = calledAtMs
        (event.model, event.isModelKnown) = (candidate.model, candidate.isModelKnown)
        (event.tokens, event.cost) = (candidate.estimate.observed, candidate.estimate.observedCost)
        (event.outcome, event.isOK) = (.orphaned, false)
        return event
    }
}
