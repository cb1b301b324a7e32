import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    /// How many of each kind are told.
    private static let top = 10

    var costRoutes: [AdminRoute] {
        [
            .get(
                "costs", "What was spent, by day and by whom and on what; the kill switch; the thresholds",
                [.init("days", .integer(1...366), "So many UTC days, with today (7).")], answer: CostsAnswer.self
            ) { _, context in try answer(await costs(days: context.query["days"].flatMap { Int($0) } ?? 7)) }
        ]
    }

    /// From sums alone, however many events there are.
    package func costs(days count: Int) async throws -> CostsAnswer {
        let now = nowMs()
        let today = UTCDay(containingMs: now)
        let days = DayRange(first: UTCDay(number: today.number - count + 1), last: today)
        let overview = try await ledger.costs(in: days, top: Self.top)
        let byDay = Self.sums(overview.kinds, by: \.day)
        let daily = (days.first.number...days.last.number).map { number in
            let id = UTCDay(number: number).id
            return CostLine(id, byDay[id] ?? .zero)
        }
        func dearest(_ name: KeyPath<CostOverview.KindTotals, String>) -> [CostLine] {
            let sorted = Self.sums(overview.kinds, by: name).sorted { left, right in
                (right.value.cost, right.value.calls, left.key) < (left.value.cost, left.value.calls, right.key)
            }
            return sorted.prefix(Self.top).map { CostLine($0.key, $0.value) }
        }
        return CostsAnswer(
            from: days.first.id, to: days.last.id, days: count, today: CostLine(today.id, byDay[today.id] ?? .zero),
            dailyTotals: daily, topTeams: overview.teams.map { CostLine($0.name, $0.totals) },
            topUsers: overview.users.map { CostLine($0.name, $0.totals) }, topProducts: dearest(\.product),
            topEndpoints: dearest(\.endpoint), topModels: dearest(\.model),
            killSwitch: try await killSwitchStates(), thresholds: try await thresholds(nowMs: now))
    }

    private static func sums(
        _ kinds: [CostOverview.KindTotals], by name: KeyPath<CostOverview.KindTotals, String>
    ) -> [String: UsageTotals] {
        var sums: [String: UsageTotals] = [:]
        for kind in kinds { sums[kind[keyPath: name], default: .zero] += kind.totals }
        return sums
    }

    private func thresholds(nowMs: Int) async throws -> CostThresholds? {
        guard let policy = try await policyInForce(), let guarded = policy.costGuard else { return nil }
        let period = guarded.period.containing(ms: nowMs)
        var spent = MicroUSD.zero
        for kind in try await ledger.costs(in: DayRange(period), top: 0).kinds { spent = spent + kind.totals.cost }
        return CostThresholds(guarded, period, spent: spent)
    }
}
