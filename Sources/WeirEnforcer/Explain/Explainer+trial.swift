import WeirCore
import WeirRedis

/// What the shards would answer, asked as ``Enforcer/admitParts(of:_:held:)`` asks, by scripts that only decide.
extension Explainer {
    enum Trial: Sendable {
        case admitted(candidate: Int, bound: Reservation.Bound?)
        case denied(Denial)
        case wrongTime
    }

    func trial(of plan: LimitPlan, _ situation: Situation) async throws(EnforcerError) -> Trial {
        let hasChoice = plan.candidates.count > 1
        var chosen = 0
        var bound: Reservation.Bound?
        var denial: Denial?
        for side in plan.sides {
            switch try await ask(side, plan.candidates, situation) {
            case .admitted(let candidate, let tighter):
                chosen = max(chosen, candidate)
                bound = bound?.tightened(by: tighter) ?? tighter
            case .denied(let next): denial = denial.map { $0.waitsLonger(than: next) ? $0 : next } ?? next
            case .wrongTime: return .wrongTime
            }
        }
        // Which models are left for the home to choose from, only sides that admit can say.
        if hasChoice, let denial { return .denied(denial) }
        let rest = Array(plan.candidates[chosen...])
        switch try await ask(plan.home.dropping(first: chosen), rest, situation) {
        case .admitted(let candidate, let tighter):
            if let denial { return .denied(denial) }
            return .admitted(candidate: chosen + candidate, bound: tighter?.tightened(by: bound) ?? bound)
        case .denied(let next):
            return .denied(denial.map { $0.waitsLonger(than: next) ? $0 : next } ?? next)
        case .wrongTime: return .wrongTime
        }
    }

    private func ask(
        _ part: LimitPlan.Part, _ candidates: [Candidate], _ situation: Situation
    ) async throws(EnforcerError) -> Trial {
        let nowMs = situation.nowMs
        // Nobody reads the record of a call that is not made.
        let record = Array("{}".utf8)
        let script = AdmitScript(
            shard: part.shard, id: .none, namedAtMs: nowMs, leaseMs: 30_000, call: record,
            limits: part.scriptEntries(candidates: candidates),
            lower: part.lower.map { AdmitScript.Rung(call: record, costs: $0) })
        let reply: AdmitScript.Reply
        do { reply = try await script.run(on: situation.connection) } catch { throw EnforcerError(error) }
        switch reply {
        case .admitted(_, _, let chosen):
            return .admitted(candidate: chosen?.rung ?? 0, bound: chosen.flatMap(part.bound))
        case .denied(let nowMs, let limit, let used, let reserved, let retryAfterMs):
            return .denied(
                Denial(
                    step: part.steps[limit], used: used, reserved: reserved, retryAfterMs: retryAfterMs, nowMs: nowMs))
        case .wrongTime(let nowMs):
            situation.clock.learn(redisMs: nowMs)
            return .wrongTime
        case .notReady: throw .degraded(reason: "shard \(part.shard.tag) is not ready")
        case .lost(_, let limit): throw .missingBudget(part.steps[limit].counter.key)
        case .ended: throw .degraded(reason: "reservation \(script.id.text) has ended already")
        }
    }
}
