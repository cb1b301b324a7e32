import WeirCore
import WeirLedger
import WeirRedis

/// How much of a limit a subject has used in its current period, by the ledger.
struct LimitUse: Sendable, Equatable {
    let limit: Limit.ID
    let unit: Limit.Unit
    let period: Period.Instance
    let subject: Subject
    let used: Int
    /// Above 0.
    let amount: Int

    /// Whether a share of the amount is used.
    /// - Parameter share: in ten-thousandths.
    func hasReached(_ share: Int) -> Bool { used >= Self.part(share, of: amount) }

    /// Rounded up; amounts go up to 2^53, so that a plain product would overflow.
    static func part(_ share: Int, of amount: Int) -> Int {
        let (whole, rest) = amount.quotientAndRemainder(dividingBy: 10_000)
        return whole.multipliedSaturated(by: share).addingSaturated((rest * min(share, 1_000_000) + 9_999) / 10_000)
    }

    /// What is used beyond the amount.
    var excess: Int { max(0, used.addingSaturated(-amount)) }
}

/// What the ledger is asked for to know the use of limits. Windows are shorter than it is late, and it knows no addresses.
struct LimitUseReading: Sendable {
    let redis: AggregatorRedis
    let ledger: any LedgerStore

    func read(_ policy: Policy, nowMs: Int) async throws(AggregatorError) -> [LimitUse] {
        var uses: [LimitUse] = []
        let groups = try await groups(for: policy)
        for limit in policy.limits {
            guard case .period(let kind) = limit.span, let grouping = limit.per.spendGrouping else { continue }
            let period = kind.containing(ms: nowMs)
            let asked = try await spends(of: limit, by: grouping, in: period, policy, groups)
            let names = asked.map { OverrideName(limit: limit.id, subject: $0.subject.text) }
            let overrides = try await redis.overrides(names)
            for (name, entry) in zip(names, asked) {
                let amount = overrides[name] ?? groups.amount(of: limit, for: entry.subject)
                guard amount > 0 else { continue }
                uses.append(
                    LimitUse(
                        limit: limit.id, unit: limit.unit, period: period, subject: entry.subject, used: entry.used,
                        amount: amount))
            }
        }
        return uses
    }

    private func spends(
        of limit: Limit, by grouping: SpendGrouping, in period: Period.Instance, _ policy: Policy, _ groups: Groups
    ) async throws(AggregatorError) -> [(subject: Subject, used: Int)] {
        var spends: [Spend]
        do {
            spends = try await ledger.spend(
                by: grouping, in: DayRange(period), of: limit.match.selection(in: policy))
        } catch { throw AggregatorError(error) }
        if limit.per == .group { spends = Spend.byGroup(spends, groups: groups.ofKeys) }
        return spends.compactMap { spend in
            guard let subject = limit.per.subject(of: spend), let used = spend.totals.amount(in: limit.unit), used > 0
            else { return nil }
            return (subject, used)
        }
    }

    /// Asked for only where amounts depend on them.
    private func groups(for policy: Policy) async throws(AggregatorError) -> Groups {
        guard policy.limits.contains(where: { $0.per == .group || !$0.groupAmounts.isEmpty }) else { return Groups([]) }
        do { return Groups(try await ledger.keys(team: nil).map(\.record)) } catch {
            throw AggregatorError(error)
        }
    }

    /// Who is in which groups, by the API keys that there are.
    struct Groups: Sendable {
        private(set) var ofKeys: [String: [String]] = [:]
        private var ofUsers: [Subject: Set<String>] = [:]

        init(_ keys: [APIKeyRecord]) {
            for key in keys {
                ofKeys[key.id] = key.groups
                if let user = key.user { ofUsers[.user(team: key.team, id: user), default: []].formUnion(key.groups) }
            }
        }

        /// Without an override.
        func amount(of limit: Limit, for subject: Subject) -> Int {
            let groups: [String] =
                switch subject {
                case .group(_, let id): [id]
                case .key(let id): ofKeys[id] ?? []
                case .user: ofUsers[subject].map { $0.sorted() } ?? []
                default: []
                }
            return limit.amount(forGroups: groups).amount
        }
    }
}

extension AggregatorRedis {
    /// As the nodes find them, so that one set by hand holds here, too, and one that has ended does not.
    func overrides(_ names: [OverrideName]) async throws(AggregatorError) -> [OverrideName: Int] {
        var overrides: [OverrideName: Int] = [:]
        for start in stride(from: 0, to: names.count, by: 1000) {
            let names = names[start..<min(start + 1000, names.count)]
            guard case .array(let values) = try await send(["MGET"] + names.map { .string($0.key) }) else {
                throw .redis(.protocolViolation("MGET: no array"))
            }
            for (name, value) in zip(names, values) { overrides[name] = value.words.flatMap(OverrideName.amount) }
        }
        return overrides
    }
}
