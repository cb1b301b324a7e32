import WeirCore
import WeirRedis

/// What the scripts must do, in plain Swift and in the most obvious way: every admission is kept, and every question is
/// answered by counting. Slow, and independent of how the scripts store things.
struct ShardModel {
    struct Admission {
        let id: String
        /// Recorded time: never behind an earlier one of the same ring.
        let ms: Int
        var units: Int
    }

    struct Live {
        var leaseEndMs: Int
        let admittedMs: Int
        let held: [Int]
        var rung = 0
    }

    var windows: [String: [Admission]] = [:]
    var settled: [String: Int] = [:]
    var reserved: [String: Int] = [:]
    /// Budgets that make calls follow the ladder.
    var ladders: Set<String> = []
    var live: [String: Live] = [:]
    /// Which model served, of everything ever admitted.
    var rungs: [String: Int] = [:]
    var ended: [String: String] = [:]
    var charged: [String: [Int]] = [:]
    /// Every event appended to the stream.
    var events: [String] = []

    static let buckets = 60

    // MARK: Counting

    func used(_ entry: AdmitScript.Entry, nowMs: Int) -> (used: Int, reserved: Int) {
        let key = entry.counter.key
        switch entry.counter.counter {
        case .log(let window):
            let at = logTime(key, nowMs: nowMs)
            return ((windows[key] ?? []).filter { $0.ms > at - window }.count, 0)
        case .ring(let window):
            let bucket = ringBucket(key, nowMs: nowMs, window: window)
            return (ringUnits(key, from: bucket - Self.buckets, through: bucket, window: window), 0)
        case .budget: return (settled[key] ?? 0, reserved[key] ?? 0)
        case .inFlight: return ((windows[key] ?? []).filter { $0.ms > nowMs }.count, 0)
        }
    }

    /// The time that counts as now: never behind the newest admission.
    private func logTime(_ key: String, nowMs: Int) -> Int { max(nowMs, (windows[key] ?? []).map(\.ms).max() ?? 0) }

    /// The bucket that counts as current: that of the clock, or the newest one in use if the clock stepped back.
    private func ringBucket(_ key: String, nowMs: Int, window: Int) -> Int {
        max(nowMs * Self.buckets / window, (windows[key] ?? []).map { $0.ms * Self.buckets / window }.max() ?? 0)
    }

    private func ringUnits(_ key: String, from first: Int, through last: Int, window: Int) -> Int {
        guard first <= last else { return 0 }
        return (windows[key] ?? []).filter { (first..<last + 1).contains($0.ms * Self.buckets / window) }.reduce(0) {
            $0 + $1.units
        }
    }

    private func retryAfter(_ entry: AdmitScript.Entry, need: Int, nowMs: Int) -> Int? {
        guard need <= entry.amount else { return nil }
        switch entry.counter.counter {
        case .budget: return entry.counter.span - nowMs
        case .inFlight: return 1000
        case .log(let window):
            // The moment at which enough of the oldest have left.
            let at = logTime(entry.counter.key, nowMs: nowMs)
            let times = (windows[entry.counter.key] ?? []).map(\.ms).filter { $0 > at - window }.sorted()
            return times[times.count - entry.amount] + window - nowMs
        case .ring(let window):
            let current = ringBucket(entry.counter.key, nowMs: nowMs, window: window)
            for bucket in current... {
                let units = ringUnits(
                    entry.counter.key, from: bucket - Self.buckets, through: current, window: window)
                if units + need <= entry.amount {
                    return (bucket * window + Self.buckets - 1) / Self.buckets - nowMs
                }
            }
            return nil
        }
    }

    // MARK: Steps

    mutating func admit(_ script: AdmitScript, nowMs: Int) -> AdmitScript.Reply {
        let id = script.id.text
        if ended[id] != nil { return .ended(nowMs: nowMs) }
        let costs = [script.limits.map(\.cost)] + script.lower.map(\.costs)
        let hasChoice = costs.count > 1 || script.limits.contains { $0.least != nil }
        if let record = live[id] {
            let remaining = script.limits.enumerated().map { index, entry -> Int? in
                let (used, reserved) = used(entry, nowMs: nowMs)
                let isCounted = entry.amount > 0 && costs[record.rung][index] != nil
                return isCounted ? max(0, entry.amount - used - reserved) : nil
            }
            return .admitted(
                nowMs: nowMs, remaining: remaining,
                chosen: hasChoice ? .init(rung: record.rung, held: record.held) : nil)
        }
        var following = ladders
        var givesWay = false
        for entry in script.limits where costs.count > 1 && entry.cost != nil {
            guard let downgrade = entry.downgrade else { continue }
            let key = entry.counter.key
            let units = (settled[key] ?? 0) + (reserved[key] ?? 0)
            if units >= downgrade.on || ladders.contains(key) && units >= downgrade.off {
                following.insert(key)
                givesWay = true
            } else {
                following.remove(key)
            }
        }
        for rung in costs.indices {
            let isLast = rung == costs.count - 1
            switch outcome(script, costs[rung], mayShorten: isLast && hasChoice, nowMs: nowMs) {
            case .fits(let held, let remaining):
                if rung == 0, givesWay, !isLast { continue }
                ladders = following
                rungs[id] = rung
                hold(script, costs[rung], held, nowMs: nowMs)
                live[id] = Live(leaseEndMs: nowMs + script.leaseMs, admittedMs: nowMs, held: held, rung: rung)
                return .admitted(
                    nowMs: nowMs, remaining: remaining, chosen: hasChoice ? .init(rung: rung, held: held) : nil)
            case .denied(let reply): if isLast { return reply }
            }
        }
        preconditionFailure("a script has at least one model")
    }

    private enum Outcome {
        case fits(held: [Int], remaining: [Int?])
        case denied(AdmitScript.Reply)
    }

    /// Whether the call fits at these costs.
    private func outcome(_ script: AdmitScript, _ costs: [Int?], mayShorten: Bool, nowMs: Int) -> Outcome {
        var held: [Int] = []
        var remaining: [Int?] = []
        var denial: (index: Int, used: Int, reserved: Int, wait: Int?)?
        for (index, entry) in script.limits.enumerated() {
            guard let cost = costs[index] else {
                held.append(0)
                remaining.append(nil)
                continue
            }
            let (used, reserved) = used(entry, nowMs: nowMs)
            let free = entry.amount - used - reserved
            held.append(cost)
            remaining.append(entry.amount == 0 ? nil : max(0, free - cost))
            var need = cost == 0 && entry.deniesWhenFull ? 1 : cost
            guard entry.amount > 0, free < need, entry.denies else { continue }
            if mayShorten, let least = entry.least {
                need = least
                if free >= least {
                    held[index] = free
                    continue
                }
            }
            let wait = retryAfter(entry, need: need, nowMs: nowMs)
            if let known = denial, known.wait == nil || (wait != nil && (wait ?? 0) <= (known.wait ?? 0)) { continue }
            denial = (index, used, reserved, wait)
        }
        guard let denial else { return .fits(held: held, remaining: remaining) }
        return .denied(
            .denied(
                nowMs: nowMs, limit: denial.index, used: denial.used, reserved: denial.reserved,
                retryAfterMs: denial.wait))
    }

    private mutating func hold(_ script: AdmitScript, _ costs: [Int?], _ held: [Int], nowMs: Int) {
        let id = script.id.text
        for (index, entry) in script.limits.enumerated() where costs[index] != nil {
            let key = entry.counter.key
            switch entry.counter.counter {
            case .log: windows[key, default: []].append(Admission(id: id, ms: logTime(key, nowMs: nowMs), units: 1))
            case .ring(let window):
                let bucket = ringBucket(key, nowMs: nowMs, window: window)
                let ms = max(nowMs, (bucket * window + Self.buckets - 1) / Self.buckets)
                windows[key, default: []].append(Admission(id: id, ms: ms, units: held[index]))
            case .budget: reserved[key, default: 0] += held[index]
            case .inFlight:
                // A lease that an admission has seen dead does not come back to life with the clock.
                windows[key] = (windows[key] ?? []).filter { $0.ms > nowMs }
                windows[key]?.append(Admission(id: id, ms: nowMs + script.leaseMs, units: 1))
            }
        }
    }

    mutating func end(_ script: EndScript, nowMs: Int) -> EndScript.Reply {
        let id = script.id.text
        switch script.end {
        case .settle:
            if ended[id] == "settled" { return .endedBefore }
            let wasOrphaned = ended[id] == "orphaned"
            events.append(String(decoding: script.event, as: UTF8.self))
            charge(script, held: live[id]?.held, before: charged[id])
            ended[id] = "settled"
            live[id] = nil
            return wasOrphaned ? .corrected(skipped: 0) : .ended(skipped: 0)
        case .release, .withdraw:
            if ended[id] != nil { return .endedBefore }
            ended[id] = "released"
            guard let held = live.removeValue(forKey: id)?.held else { return .endedBefore }
            charge(script, held: held, before: nil)
            return .ended(skipped: 0)
        case .retract:
            // As if it had never been asked for.
            guard let held = live.removeValue(forKey: id)?.held else { return .endedBefore }
            charge(script, held: held, before: nil)
            return .ended(skipped: 0)
        case .reap:
            guard ended[id] == nil, let record = live[id] else { return .endedBefore }
            if record.leaseEndMs > nowMs { return .alive }
            events.append(String(decoding: script.event, as: UTF8.self))
            charge(script, held: record.held, before: nil)
            ended[id] = "orphaned"
            charged[id] = script.counters.map(\.units)
            live[id] = nil
            return .ended(skipped: 0)
        }
    }

    mutating func renew(_ id: String, leaseMs: Int, inFlight: [String], nowMs: Int) -> RenewScript.Reply {
        guard live[id] != nil else { return .lost }
        live[id]?.leaseEndMs = nowMs + leaseMs
        for key in inFlight {
            windows[key]?.removeAll { $0.id == id }
            windows[key, default: []].append(Admission(id: id, ms: nowMs + leaseMs, units: 1))
        }
        return .renewed
    }

    private mutating func charge(_ script: EndScript, held: [Int]?, before: [Int]?) {
        for (index, (counter, units)) in script.counters.enumerated() {
            let held = held?[index]
            let difference = units - (before?[index] ?? 0)
            let id = script.id.text
            switch counter.counter {
            case .budget:
                reserved[counter.key, default: 0] -= held ?? 0
                settled[counter.key, default: 0] += difference
            case .inFlight: windows[counter.key]?.removeAll { $0.id == id }
            case .log:
                if [.release, .withdraw, .retract].contains(script.end) {
                    windows[counter.key]?.removeAll { $0.id == id }
                }
            case .ring:
                guard let at = windows[counter.key]?.firstIndex(where: { $0.id == id }) else { continue }
                windows[counter.key]?[at].units += difference - (held ?? 0)
            }
        }
    }
}
