import WeirCore
import WeirLedger
import WeirRedis

/// A budget of a current period, and what the ledger knows to be spent of it.
struct BudgetSeed: Sendable, Equatable {
    let shard: Shard
    let key: String
    let settled: Int
    let expireAtMs: Int

    /// Nil: the limit has no such budget, or nothing was spent of it.
    init?(_ spend: Spend, of limit: Limit, in period: Period.Instance, shardCount: Int) {
        guard let subject = limit.per.subject(of: spend), let units = spend.totals.amount(in: limit.unit), units > 0
        else { return nil }
        shard = Shard(of: subject, team: spend.team ?? "", count: shardCount)
        key = RedisKeys.budget(shard, limit: limit.id, subject: subject.text, period: period)
        settled = min(units, .largestExact)
        expireAtMs = period.endMs + UTCDay.lengthMs
    }

    /// As ``all(policy:ledger:shardCount:nowMs:)``, by the policy in force; nil: there is none.
    static func inForce(ledger: any LedgerStore, shardCount: Int, nowMs: Int)
        async throws(AggregatorError) -> [BudgetSeed]?
    {
        do {
            guard let policy = try await ledger.currentPolicy()?.policy else { return nil }
            return try await all(policy: policy, ledger: ledger, shardCount: shardCount, nowMs: nowMs)
        } catch { throw AggregatorError(error) }
    }

    /// Of all subjects of all limits.
    static func all(policy: Policy, ledger: any LedgerStore, shardCount: Int, nowMs: Int)
        async throws(LedgerError) -> [BudgetSeed]
    {
        var seeds: [BudgetSeed] = []
        for limit in policy.limits where limit.enforce != .ledger {
            guard case .period(let kind) = limit.span, let grouping = limit.per.spendGrouping else { continue }
            let period = kind.containing(ms: nowMs)
            var spends = try await ledger.spend(
                by: grouping, in: DayRange(period), of: limit.match.selection(in: policy))
            if limit.per == .group { spends = Spend.byGroup(spends, groups: try await ledger.groupsOfKeys()) }
            seeds += spends.compactMap { BudgetSeed($0, of: limit, in: period, shardCount: shardCount) }
        }
        return seeds
    }
}

extension LedgerStore {
    /// The groups that each API key is in now, by its id.
    func groupsOfKeys() async throws(LedgerError) -> [String: [String]] {
        Dictionary(
            try await keys(team: nil).map { ($0.record.id, $0.record.groups) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Spend {
    /// Sums by key as sums by group, whose name stands in place of the user's.
    static func byGroup(_ spends: [Spend], groups: [String: [String]]) -> [Spend] {
        var sums: [Subject: Spend] = [:]
        for spend in spends {
            guard let team = spend.team, let key = spend.key else { continue }
            for group in Set(groups[key] ?? []) {
                sums[.group(team: team, id: group), default: Spend(team: team, user: group, totals: .zero)].totals +=
                    spend.totals
            }
        }
        return Array(sums.values)
    }
}

extension Limit.Per {
    /// The ledger's sums of these subjects; nil: it does not sum by them.
    var spendGrouping: SpendGrouping? {
        switch self {
        case .team: .team
        case .user: .user
        case .product: .product
        case .global: .everybody
        case .key, .group: .key
        case .ip: nil
        }
    }

    /// Whose spending a sum is; nil for calls without a user, and of a team that is none (anonymous callers).
    func subject(of spend: Spend) -> Subject? {
        switch self {
        case .team: spend.team.map { .team($0) }
        case .user:
            if let team = spend.team, let user = spend.user { .user(team: team, id: user) } else { nil }
        case .product: spend.product.map { .product($0) }
        case .global: .global
        case .key: spend.key.map { .key($0) }
        case .group:
            if let team = spend.team, let group = spend.user { .group(team: team, id: group) } else { nil }
        case .ip: nil
        }
    }
}
