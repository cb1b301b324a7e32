import WeirCore
import WeirLedger
import WeirRedis

/// Reads what a ``Survey`` says. Changes nothing.
struct Surveyor: Sendable {
    let redis: AggregatorRedis
    let ledger: any LedgerStore
    let shards: [Shard]
    /// The prices that ship; nil: which models have one is not known here.
    let prices: PriceHistory?

    /// - Parameter isLeading: whether the use of limits is read, too, which costs the ledger most.
    func survey(isLeading: Bool) async throws(AggregatorError) -> Survey {
        var survey = Survey(nowMs: try await redis.nowMs())
        for shard in shards {
            let (waiting, oldestMs) = try await backlog(of: shard)
            survey.waiting = survey.waiting.addingSaturated(waiting)
            if let oldestMs { survey.oldestMs = max(survey.oldestMs, survey.nowMs - oldestMs) }
        }
        for (field, value) in try await redis.hash(RedisKeys.killSwitch) {
            guard let scope = KillSwitch.Scope(field), KillSwitch.Entry(value: value).isThrown(nowMs: survey.nowMs)
            else { continue }
            survey.thrown[String(scope.text.prefix { $0 != ":" }), default: 0] += 1
        }
        try await readLedger(&survey)
        for resource in survey.policy?.resources ?? [] {
            survey.limited[resource] = try await count([
                "ZCOUNT", .string(RedisKeys.limitedSet(resource: resource)), .string("(\(survey.nowMs / 1000)"), "+inf",
            ])
        }
        if isLeading, let policy = survey.policy {
            survey.uses = try await LimitUseReading(redis: redis, ledger: ledger).read(policy, nowMs: survey.nowMs)
        }
        return survey
    }

    private func readLedger(_ survey: inout Survey) async throws(AggregatorError) {
        let today = UTCDay(containingMs: survey.nowMs)
        let days = DayRange(first: today, last: today)
        let added: AddedPrices
        do {
            survey.policy = try await ledger.currentPolicy()?.policy
            survey.teams = try await ledger.usage(by: .team, in: days, where: UsageFilter())
            survey.models = try await ledger.usage(by: .model, in: days, where: UsageFilter())
            survey.alerts = try await ledger.alertCounts()
            added = try await ledger.addedPrices()
            if let costGuard = survey.policy?.costGuard {
                let period = DayRange(costGuard.period.containing(ms: survey.nowMs))
                survey.guarded =
                    try await ledger.spend(by: .everybody, in: period, of: .all).first?.totals.cost ?? .zero
            }
        } catch {
            throw AggregatorError(error)
        }
        guard let prices else { return }
        do throws(PriceTableError) {
            let table = try prices.adding(added).table(on: today)
            survey.pricedModels = Set(survey.models.map(\.name).filter(table.isPriced))
            survey.unpricedModels = table.unpriced(survey.policy?.namedModels ?? [])
        } catch {
            throw .ledger(.invalid("the prices in the ledger cannot be used: \(error)"))
        }
    }

    private func backlog(of shard: Shard) async throws(AggregatorError) -> (waiting: Int, oldestMs: Int?) {
        let key = RedisArgument.string(RedisKeys.usage(shard))
        let waiting = try await count(["XLEN", key])
        guard waiting > 0, case .array(let entries) = try await redis.send(["XRANGE", key, "-", "+", "COUNT", 1]),
            case .array(let parts)? = entries.first, let id = parts.first?.words
        else { return (waiting, nil) }
        return (waiting, id.split(separator: "-").first.flatMap { Int($0) })
    }

    private func count(_ command: [RedisArgument]) async throws(AggregatorError) -> Int {
        guard case .integer(let count) = try await redis.send(command) else { return 0 }
        return Int(count)
    }
}
