import Logging
import NIOCore
import Synchronization
import WeirCore
import WeirRedis

extension Enforcer {
    /// Kill switch, limited set, and every limit that covers the call: its cost is reserved in all of them, or it is
    /// denied and nothing is charged. (Whether the key may use the models is the door's to ask beforehand.) Where Redis
    /// gives no answer, what the outage policy allows.
    ///
    /// - Parameter candidates: the models that may serve it, the first as asked, then cheaper ones; at least one, at most
    ///   ``Policy/mostRungs``. The reservation says which one serves.
    /// - Parameter event: the call's usage event, its `id` from ``makeReservationID()``. Kept with the reservation as
    ///   what it is charged if the node dies at once: the estimate's `observed`.
    package func admit(
        _ call: Call, candidates: [Candidate], event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Decision {
        let reason: String
        do throws(EnforcerError) {
            return try await decide(call, candidates: candidates, event: event, on: loop)
        } catch {
            guard case .outage(let why) = error else { throw error }
            reason = why
        }
        return try decideBlind(call, candidates: candidates, event: event, because: reason)
    }

    /// By Redis.
    private func decide(
        _ call: Call, candidates: [Candidate], event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Decision {
        try requireStarted()
        let snapshot = try replica.current()
        guard let inForce = snapshot.inForce else { throw .degraded(reason: "no policy has been published") }
        let open: [Int]
        switch Gate.open(candidates, for: call, in: snapshot, nowMs: clock.nowMs) {
        case .denied(let denial): return denied(try await withOverride(denial, on: loop), call, event)
        case .open(let indices): open = indices
        }
        guard let id = ReservationID(event.id) else {
            throw .misconfigured(reason: "a reservation's id must be a ULID, not \(event.id)")
        }
        let offered = open.count == candidates.count ? candidates : open.map { candidates[$0] }
        let covering = inForce.limits(covering: call, candidates: offered)
        let overrides: [Int: Int]
        // Known without waiting, but for a subject's first call.
        switch replica.overrides.answer(for: covering.names, nowMs: clock.nowMs) {
        case .known(let known): overrides = known
        case .ask(let question): overrides = try await ask(question, on: loop)
        }
        let home = shard(of: call)
        // Parts that are admitted already, in other shards than the home's.
        var held: [AdmittedPart] = []
        // At a day's end, or after a step of this node's clock, the keys may be named for the wrong time, once: the script
        // tells the right one.
        for _ in 0..<2 {
            let asked = AskedCall(call: call, id: id, event: event, loop: loop, namedAtMs: clock.nowMs)
            let plan = try LimitPlan(
                covering, overrides: overrides, call: call, candidates: offered,
                expected: { self.expected($0, product: call.product) }, home: home, shardCount: shardCount,
                nowMs: asked.namedAtMs)
            let answer =
                plan.sides.isEmpty
                ? await admit(plan.home, of: asked, on: plan.candidates)
                : await admitParts(of: plan, asked, held: &held)
            switch answer {
            case .admitted(let part):
                outages.answered()
                return .admitted(reservation(asked, plan, part, sides: held, open: open))
            case .denied(let denial):
                outages.answered()
                return denied(denial, call, event)
            case .failed(let error): throw error
            case .wrongTime: break
            }
        }
        giveBack(held, of: id)
        throw .degraded(reason: "Redis's clock jumps")
    }

    /// What was only asked leaves no trace, in the ledger's counts neither.
    func denied(_ denial: Denial, _ call: Call, _ event: UsageEvent) -> Decision {
        if event.id != ReservationID.none.text { denials.add(denial, of: call, atMs: clock.nowMs) }
        return .denied(denial)
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

    /// - Parameter open: the candidates' places among those that the door offered.
    private func reservation(
        _ asked: AskedCall, _ plan: LimitPlan, _ home: AdmittedPart, sides: [AdmittedPart], open: [Int]
    ) -> Reservation {
        let served = plan.candidates[home.candidate]
        var bound = home.bound
        for side in sides { bound = bound?.tightened(by: side.bound) ?? side.bound }
        return Reservation(
            id: asked.id.text, admittedAtMs: home.nowMs, leaseMs: leaseMs, call: asked.call.served(by: served),
            candidate: open[home.candidate], estimate: plan.learns ? served.estimate : nil, bound: bound,
            shard: home.part.shard.number, holds: home.holds,
            sideParts: sides.map { side in
                Reservation.Part(
                    shard: side.part.shard.number, admittedAtMs: side.nowMs,
                    holds: side.holds(servedBy: served, asked.call))
            })
    }

    func ask(
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
}

extension UsageEvent {
    var orphaned: UsageEvent {
        var event = self
        (event.outcome, event.isOK) = (.orphaned, false)
        return event
    }
}
