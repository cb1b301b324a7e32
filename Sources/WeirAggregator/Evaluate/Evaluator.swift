import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Keeps limited sets and kill switch at what the ledger's sums say. If the ledger cannot be read, nothing is changed.
struct Evaluator: Sendable {
    let redis: AggregatorRedis
    let ledger: any LedgerStore
    let logger: Logger

    /// Asks, decides, acts. Repeating it changes nothing.
    func step(as leader: Leader) async throws(AggregatorError) {
        let nowMs = try await redis.nowMs()
        guard let evaluation = try await evaluate(nowMs: nowMs) else { return }
        try await apply(evaluation.limited, as: leader, nowMs: nowMs)
        if let guarded = evaluation.guarded { try await apply(guarded, as: leader, nowMs: nowMs) }
    }

    /// Nil: no policy was ever applied.
    private func evaluate(nowMs: Int) async throws(AggregatorError) -> Evaluation? {
        let questions: [Evaluation.Question]
        var sums: [[Spend]] = []
        var guarded: Evaluation.Guarded?
        do {
            guard let policy = try await ledger.currentPolicy()?.policy else { return nil }
            questions = Evaluation.questions(policy: policy, nowMs: nowMs)
            for question in questions {
                sums.append(
                    try await ledger.spend(by: .team, in: DayRange(question.period), of: question.selection))
            }
            if let costGuard = policy.costGuard {
                let period = costGuard.period.containing(ms: nowMs)
                let total = try await ledger.spend(by: .everybody, in: DayRange(period), of: .all).first?.totals
                guarded = Evaluation.Guarded(period: period, costGuard: costGuard, spent: total?.cost ?? .zero)
            }
        } catch {
            throw AggregatorError(error)
        }
        let overrides = try await redis.overrides(Evaluation.overridable(questions, sums))
        return Evaluation(questions: questions, sums: sums, overrides: overrides, guarded: guarded)
    }

    // MARK: The limited sets

    private func apply(_ verdicts: [LimitedTeam: Evaluation.Verdict], as leader: Leader, nowMs: Int)
        async throws(AggregatorError)
    {
        var own: [LimitedTeam: LimitedSetPlan.Own] = [:]
        for (field, value) in try await redis.hash(AggregatorKeys.ownLimits) {
            guard let place = Standing.limitedTeam(field), let mine = LimitedSetPlan.Own(value) else { continue }
            own[place] = mine
        }
        var standing: [LimitedTeam: Int] = [:]
        for resource in Set(verdicts.keys.map(\.resource)).union(own.keys.map(\.resource)) {
            let key = RedisKeys.limitedSet(resource: resource)
            guard
                case .array(let parts) = try await redis.send(["ZRANGE", .string(key), "0", "-1", "WITHSCORES"])
            else { continue }
            for (team, score) in RedisValue.dictionary(parts) {
                standing[LimitedTeam(resource: resource, team: team)] = Self.seconds(score)
            }
        }
        let plan = LimitedSetPlan(verdicts: verdicts, own: own, standing: standing, nowS: nowMs / 1000)
        for step in plan.steps { try await perform(step, verdicts, as: leader) }
    }

    private func perform(
        _ step: LimitedSetPlan.Step, _ verdicts: [LimitedTeam: Evaluation.Verdict], as leader: Leader
    ) async throws(AggregatorError) {
        switch step {
        case .limit(let place, let own):
            let key = RedisKeys.limitedSet(resource: place.resource)
            try await leader.write(["ZADD", .string(key), .int(own.untilS), .string(place.team)])
            try await remember(place, own, as: leader)
            let verdict = verdicts[place]
            logger.notice(
                "team limited",
                metadata: [
                    "team": "\(place.team)", "resource": "\(place.resource)", "limit": "\(verdict?.limit ?? "")",
                    "spent": "\(verdict?.spent ?? 0)", "amount": "\(own.amount)", "until_s": "\(own.untilS)",
                ])
        case .remember(let place, let own):
            try await remember(place, own, as: leader)
        case .lift(let place, let own):
            let key = RedisKeys.limitedSet(resource: place.resource)
            let reply = try await leader.run(
                ScriptCatalogue.unlimit, keys: [key, RedisKeys.fence(of: key)],
                arguments: [.int(leader.token), .string(place.team), .int(own.untilS), .int(own.previousS)])
            try await forget(place, as: leader)
            if reply == .integer(1) {
                logger.notice(
                    "team no longer limited", metadata: ["team": "\(place.team)", "resource": "\(place.resource)"])
            }
        case .forget(let place):
            try await forget(place, as: leader)
        }
    }

    private func remember(_ place: LimitedTeam, _ own: LimitedSetPlan.Own, as leader: Leader)
        async throws(AggregatorError)
    {
        try await leader.write([
            "HSET", .string(AggregatorKeys.ownLimits), .string("\(place.resource)/\(place.team)"), .string(own.text),
        ])
    }

    private func forget(_ place: LimitedTeam, as leader: Leader) async throws(AggregatorError) {
        try await leader.write([
            "HDEL", .string(AggregatorKeys.ownLimits), .string("\(place.resource)/\(place.team)"),
        ])
    }

    /// A score as whole seconds: people write `inf`, too. Part of a second counts as a whole one.
    static func seconds(_ score: String) -> Int {
        if let whole = Int(score) { return whole }
        guard let number = Double(score), number > 0 else { return 0 }
        return number < 9e15 ? Int(number.rounded(.up)) : .max
    }

    // MARK: The cost guard

    private func apply(_ guarded: Evaluation.Guarded, as leader: Leader, nowMs: Int) async throws(AggregatorError) {
        let field = KillSwitch.Scope.global.text
        let warnKey = AggregatorKeys.costGuard("warn", period: guarded.period)
        let killKey = AggregatorKeys.costGuard("kill", period: guarded.period)
        let entry = try await redis.send(["HGET", .string(RedisKeys.killSwitch), .string(field)]).words
        let warnedAt = try await redis.send(["GET", .string(warnKey)]).words.flatMap { Int($0) }
        let thrownAt = try await redis.send(["GET", .string(killKey)]).words.flatMap { Int($0) }
        let plan = CostGuardPlan(
            guarded, entry: entry.map { KillSwitch.Entry(value: $0) }, warnedAt: warnedAt, thrownAt: thrownAt,
            nowMs: nowMs)
        for step in plan.steps {
            switch step {
            case .warn(let micros):
                try await mark(warnKey, micros, guarded.period, as: leader)
                logger.warning(
                    "spending passed the warning threshold",
                    metadata: [
                        "period": "\(guarded.period.id)", "spent_usd": "\(guarded.spent)",
                        "threshold_usd": "\(MicroUSD(micros: micros))",
                    ])
            case .throwSwitch(let thrown, let micros):
                try await leader.write([
                    "HSET", .string(RedisKeys.killSwitch), .string(field), .string(thrown.value),
                ])
                try await mark(killKey, micros, guarded.period, as: leader)
                logger.critical("kill switch thrown", metadata: ["reason": "\(thrown.reason)"])
                do {
                    try await ledger.appendAudit(
                        AuditEntry(
                            atMs: nowMs, actor: CostGuardPlan.actor, action: "kill-switch.on", subject: field,
                            before: entry, after: thrown.value, reason: thrown.reason))
                } catch { throw AggregatorError(error) }
            case .mark(let micros):
                try await mark(killKey, micros, guarded.period, as: leader)
            }
        }
    }

    private func mark(_ key: String, _ micros: Int, _ period: Period.Instance, as leader: Leader)
        async throws(AggregatorError)
    {
        try await leader.write([
            "SET", .string(key), .int(micros), "PXAT", .int(period.endMs + UTCDay.lengthMs),
        ])
    }
}
