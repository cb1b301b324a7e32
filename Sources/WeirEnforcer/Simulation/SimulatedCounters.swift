import WeirCore
import WeirRedis

/// All counters in memory, in the time of the calls that are replayed: what lua/admit.lua decides and lua/settle.lua
/// charges, for calls that come in order of time and whose cost is known beforehand.
struct SimulatedCounters: Sendable {
    private struct Budget {
        var units = 0
        let endMs: Int
        /// It makes calls follow the ladder.
        var isFollowed = false
    }

    /// Admissions, oldest first.
    private var logs: [String: [Int]] = [:]
    private var rings: [String: SimulatedRing] = [:]
    private var budgets: [String: Budget] = [:]
    /// The ends of calls, earliest first.
    private var inFlight: [String: [Int]] = [:]
    /// The UTC day in which ended periods were last forgotten.
    private var tidiedDay = Int.min

    enum Decision: Equatable {
        /// `rung`: the model, by its number; `held`: units of each limit, less than the cost where `clamp` shortens.
        case admitted(rung: Int, held: [Int])
        /// By the limit that makes the caller wait longest; `waitMs` nil: it can never fit.
        case denied(index: Int, used: Int, waitMs: Int?)
    }

    /// - Parameter costs: of each model that may serve, limit by limit; nil: the limit does not cover it.
    /// - Parameter first: the dearest model that is tried, by its number.
    mutating func decide(_ limits: [AdmitScript.Entry], costs: [[Int?]], first: Int = 0, nowMs: Int) -> Decision {
        tidy(nowMs: nowMs)
        let used = limits.map { self.used($0.counter, nowMs: nowMs) }
        var marks: [(key: String, isFollowed: Bool)] = []
        var givesWay = false
        for (index, limit) in limits.enumerated() where costs.count > 1 && costs[0][index] != nil {
            guard let downgrade = limit.downgrade, downgrade.on > 0 else { continue }
            let isOn = budgets[limit.counter.key]?.isFollowed ?? false
            let isFollowed = used[index] >= downgrade.on || isOn && used[index] >= downgrade.off
            if isFollowed { givesWay = true }
            if isFollowed != isOn { marks.append((limit.counter.key, isFollowed)) }
        }
        let mayShorten = costs.count > 1 || limits.contains { $0.least != nil }
        for rung in costs.indices.dropFirst(first) {
            let isLast = rung == costs.count - 1
            let fit = self.fit(limits, costs[rung], used: used, mayShorten: isLast && mayShorten, nowMs: nowMs)
            switch fit {
            case .admitted(_, let held):
                if rung == 0, givesWay, !isLast { continue }
                for mark in marks { budgets[mark.key]?.isFollowed = mark.isFollowed }
                return .admitted(rung: rung, held: held)
            case .denied: if isLast { return fit }
            }
        }
        preconditionFailure("a call has at least one model")
    }

    private func fit(
        _ limits: [AdmitScript.Entry], _ costs: [Int?], used: [Int], mayShorten: Bool, nowMs: Int
    ) -> Decision {
        var held: [Int] = []
        var denied: (index: Int, waitMs: Int?)?
        for (index, limit) in limits.enumerated() {
            let cost = costs[index] ?? 0
            held.append(cost)
            guard costs[index] != nil, limit.amount > 0, limit.denies else { continue }
            let free = limit.amount - used[index]
            var need = cost == 0 && limit.deniesWhenFull ? 1 : cost
            if free >= need { continue }
            if mayShorten, let least = limit.least, least > 0 {
                need = least
                if free >= least {
                    held[index] = free
                    continue
                }
            }
            let waitMs = wait(limit, for: need, used: used[index], nowMs: nowMs)
            if let known = denied {
                guard let longest = known.waitMs else { continue }
                if let waitMs, waitMs <= longest { continue }
            }
            denied = (index, waitMs)
        }
        guard let denied else { return .admitted(rung: 0, held: held) }
        return .denied(index: denied.index, used: used[denied.index], waitMs: denied.waitMs)
    }

    // MARK: Reading and charging

    private mutating func used(_ counter: CounterKey, nowMs: Int) -> Int {
        let key = counter.key
        switch counter.counter {
        case .log(let windowMs):
            guard let times = logs[key] else { return 0 }
            let live = times.firstIndex { $0 > nowMs - windowMs } ?? times.count
            if live > 0 { logs[key]?.removeFirst(live) }
            return times.count - live
        case .ring(let windowMs): return rings[key]?.used(atMs: nowMs, windowMs: windowMs) ?? 0
        case .budget: return budgets[key]?.units ?? 0
        case .inFlight:
            guard let ends = inFlight[key] else { return 0 }
            let live = ends.firstIndex { $0 > nowMs } ?? ends.count
            if live > 0 { inFlight[key]?.removeFirst(live) }
            return ends.count - live
        }
    }

    private func wait(_ limit: AdmitScript.Entry, for need: Int, used: Int, nowMs: Int) -> Int? {
        guard need <= limit.amount else { return nil }
        switch limit.counter.counter {
        case .budget: return limit.counter.span - nowMs
        case .inFlight: return 1000
        case .log(let windowMs):
            let times = logs[limit.counter.key] ?? []
            let leaving = used - limit.amount
            return times.indices.contains(leaving) ? times[leaving] + windowMs - nowMs : windowMs
        case .ring(let windowMs):
            guard let ring = rings[limit.counter.key] else { return windowMs }
            return ring.wait(for: need, of: limit.amount, nowMs: nowMs, windowMs: windowMs)
        }
    }

    /// What a call used, from its admission on; of calls at once until `endMs`.
    mutating func charge(_ counter: CounterKey, units: Int, nowMs: Int, endMs: Int) {
        let key = counter.key
        switch counter.counter {
        case .log: logs[key, default: []].append(nowMs)
        case .ring(let windowMs):
            var ring = rings[key] ?? SimulatedRing(atMs: nowMs, windowMs: windowMs)
            _ = ring.used(atMs: nowMs, windowMs: windowMs)
            ring.add(units)
            rings[key] = ring
        case .budget:
            var budget = budgets[key] ?? Budget(endMs: counter.span)
            budget.units = budget.units.addingSaturated(units)
            budgets[key] = budget
        case .inFlight:
            let ends = inFlight[key] ?? []
            inFlight[key, default: []].insert(endMs, at: ends.firstIndex { $0 > endMs } ?? ends.count)
        }
    }

    /// Once a day what no call can ask for any more is forgotten, so that memory does not grow with the days.
    private mutating func tidy(nowMs: Int) {
        let day = UTCDay(containingMs: nowMs).number
        guard day != tidiedDay else { return }
        tidiedDay = day
        budgets = budgets.filter { $0.value.endMs > nowMs }
        inFlight = inFlight.filter { ($0.value.last ?? 0) > nowMs }
    }
}
