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
        let byDay = overview.sums(by: \.day)
        let daily = (days.first.number...days.last.number).map { number in
            let id = UTCDay(number: number).id
            return CostLine(id, byDay[id] ?? .zero)
        }
        func lines(_ rows: [UsageRow]) -> [CostLine] { rows.map { CostLine($0.name, $0.totals) } }
        return CostsAnswer(
            from: days.first.id, to: days.last.id, days: count, today: CostLine(today.id, byDay[today.id] ?? .zero),
            dailyTotals: daily, topTeams: lines(overview.teams), topUsers: lines(overview.users),
            topProducts: lines(overview.dearest(Self.top, by: \.product)),
            topEndpoints: lines(overview.dearest(Self.top, by: \.endpoint)),
            topModels: lines(overview.dearest(Self.top, by: \.model)),
            killSwitch: try await killSwitchStates(),
            thresholds: try await guardedSpend(nowMs: now).map(CostThresholds.init))
    }

    /// What the cost guard of the policy in force watches; nil: there is none.
    func guardedSpend(nowMs: Int) async throws -> GuardedSpend? {
        guard let guarded = try await policyInForce()?.costGuard else { return nil }
        let period = guarded.period.containing(ms: nowMs)
        let spent = try await ledger.costs(in: DayRange(period), top: 0).total.cost
        return GuardedSpend(guarded: guarded, period: period, spent: spent)
    }
}

/// What is spent in the current period of the cost guard.
struct GuardedSpend: Sendable, Hashable {
    var guarded: Policy.CostGuard
    var period: Period.Instance
    var spent: MicroUSD
}
