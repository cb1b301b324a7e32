import WeirCore
import WeirRedis

/// What the aggregator would make of the calls that are replayed, at once: limited teams, and the cost guard's switch.
struct SimulatedLedger: Sendable {
    private struct Place: Hashable {
        let limit: Limit.ID
        let team: String
    }

    private struct Sum {
        var period: Period.Instance
        var units = 0
    }

    private let policy: Policy
    private let inForce: PolicyInForce
    private let limits: [Limit]
    private var sums: [Place: Sum] = [:]
    private var guarded: Sum?
    private var killSwitch: [KillSwitch.Scope: KillSwitch.Entry] = [:]
    private var limited: [String: [String: Int]] = [:]
    /// What a node would have in memory.
    private(set) var snapshot: Replica.Snapshot

    init(policy: Policy) {
        self.policy = policy
        limits = policy.limits.filter {
            $0.enforce == .ledger && $0.per == .team && $0.match.resource != nil && $0.unit != .concurrency
        }
        inForce = PolicyInForce(policy, published: "")
        snapshot = Replica.Snapshot(inForce: inForce)
    }

    /// - Parameter call: as it was served.
    mutating func charge(_ call: Call, _ used: Estimate, overrides: [OverrideName: Int], nowMs: Int) {
        var isChanged = false
        for limit in limits where limit.covers(call) {
            guard let resource = limit.match.resource, case .period(let period) = limit.span else { continue }
            let place = Place(limit: limit.id, team: call.team)
            let sum = Self.adding(limit.unit.cost(of: used), to: sums[place], period, nowMs)
            sums[place] = sum
            let name = OverrideName(limit: limit.id, subject: Subject.team(call.team).text)
            let amount = overrides[name] ?? limit.amount
            if amount > 0, sum.units >= amount, (limited[resource]?[call.team] ?? 0) < sum.period.endMs {
                limited[resource, default: [:]][call.team] = sum.period.endMs
                isChanged = true
            }
        }
        if let costGuard = policy.costGuard {
            let sum = Self.adding(used.cost.micros, to: guarded, costGuard.period, nowMs)
            guarded = sum
            if let kill = costGuard.kill, kill.micros > 0, sum.units >= kill.micros,
                !(killSwitch[.global]?.isThrown(nowMs: nowMs) ?? false)
            {
                killSwitch[.global] = KillSwitch.Entry(
                    on: true, reason: "spending of \(sum.period.id) is at or above \(kill) USD", actor: "aggregator",
                    since: nowMs / 1000, until: sum.period.endMs / 1000)
                isChanged = true
            }
        }
        if isChanged {
            snapshot = Replica.Snapshot(inForce: inForce, killSwitch: killSwitch, limited: limited)
        }
    }

    private static func adding(_ units: Int, to sum: Sum?, _ period: Period, _ nowMs: Int) -> Sum {
        var next = sum.flatMap { nowMs < $0.period.endMs ? $0 : nil } ?? Sum(period: period.containing(ms: nowMs))
        next.units = next.units.addingSaturated(units)
        return next
    }
}
