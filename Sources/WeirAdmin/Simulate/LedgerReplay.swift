import WeirCore
import WeirEnforcer
import WeirLedger
import WeirProviders
import WeirRedis

/// Replays the ledger against a policy, page by page.
struct LedgerReplay {
    let ledger: any LedgerStore
    let policy: Policy
    let prices: PriceTable
    /// Reported are these days,
    let days: DayRange
    /// and of them this team's calls; nil: all. Replayed are everybody's, since limits may count them together.
    let team: String?
    /// Milliseconds since 1970: which overrides are in force.
    let nowMs: Int

    /// More would keep the one who asks waiting for too long.
    static let mostCalls = 2_000_000
    private static let pageSize = 2000

    /// The first day that is replayed: as far before the first one as the periods and windows that contain its beginning
    /// go back, so that all counters are as full as they would have been.
    var firstDay: UTCDay {
        let beginning = days.first.startMs
        var starts = policy.limits.map { limit in
            switch limit.span {
            case .period(let period): period.containing(ms: beginning).startMs
            // A ring counts a sixtieth more.
            case .window(let ms): beginning - ms - ms / 60
            case .inFlight: beginning - UTCDay.lengthMs
            }
        }
        if let costGuard = policy.costGuard { starts.append(costGuard.period.containing(ms: beginning).startMs) }
        return UTCDay(containingMs: min(starts.min() ?? beginning, beginning))
    }

    /// - Parameter progress: told how many calls were replayed, now and then, of about how many.
    func run(progress: (_ done: Int, _ total: Int) -> Void) async throws -> SimulationTally {
        let keys = try await ledger.keys(team: nil)
        let overrides = try await ledger.overrides().filter { $0.isInForce(atMs: nowMs) }
        var replay = PolicyReplay(
            policy: policy, prices: prices,
            keys: Dictionary(keys.map { ($0.record.id, $0.record) }) { first, _ in first },
            overrides: Dictionary(
                overrides.map { (OverrideName(limit: $0.limit, subject: $0.subject), $0.amount) }
            ) { first, _ in first })
        var tally = SimulationTally()
        var last: UsageEvent?
        var count = 0
        let all = DayRange(first: firstDay, last: days.last)
        let total = try await ledger.spend(by: .everybody, in: all, of: .all).first?.totals.calls ?? 0
        while true {
            let page = try await ledger.events(in: all, after: last, limit: Self.pageSize)
            for event in page {
                let step = try replay.step(event)
                if event.calledAtMs >= days.first.startMs, team == nil || event.team == team {
                    tally.add(event, step)
                }
            }
            last = page.last ?? last
            count += page.count
            progress(count, total)
            if page.count < Self.pageSize { return tally }
            guard count <= Self.mostCalls else {
                throw AdminError(
                    .invalidField, "these days hold more than \(Self.mostCalls) calls", hint: "ask for fewer days")
            }
            try Task.checkCancellation()
        }
    }
}
