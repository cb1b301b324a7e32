import WeirCore
import WeirLedger

/// What the ledger has to be told of what stands in Redis: pure.
struct StandingPlan: Sendable, Equatable {
    typealias Entries = [StandingEntry.Place: String]

    /// Who changes Redis and nothing else.
    static let actor = "redis-cli"

    var changed: [StandingEntry] = []
    var removed: [StandingEntry.Place] = []
    /// Of what was typed by hand; what the aggregator or the admin API did stands in the audit already.
    var audit: [AuditEntry] = []

    var isEmpty: Bool { changed.isEmpty && removed.isEmpty }

    /// - Parameter before: what stood in Redis when it was last looked at.
    /// - Parameter recorded: what the ledger has of it by now; what the admin API changed stands there already.
    init(before: Entries, now: Entries, recorded: Entries, nowMs: Int) {
        for place in Set(before.keys).union(now.keys).sorted(by: {
            ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name)
        }) {
            let value = now[place]
            guard before[place] != value, recorded[place] != value else { continue }
            if let value { changed.append(StandingEntry(place.kind, place.name, value)) } else { removed.append(place) }
            guard let action = Self.action(place, from: recorded[place], to: value, before: before, now: now) else {
                continue
            }
            audit.append(
                AuditEntry(
                    atMs: nowMs, actor: Self.actor, from: "redis", action: action, subject: place.name,
                    before: recorded[place], after: value))
        }
    }

    /// Nil for what the aggregator did.
    private static func action(
        _ place: StandingEntry.Place, from old: String?, to value: String?, before: Entries, now: Entries
    ) -> String? {
        switch place.kind {
        case .limitedByLedger, .costGuard: return nil
        case .killSwitch:
            guard let value else { return "kill-switch.remove" }
            let entry = KillSwitch.Entry(value: value)
            return entry.actor == CostGuardPlan.actor ? nil : entry.on ? "kill-switch.on" : "kill-switch.off"
        case .limited:
            let own = StandingEntry.Place(.limitedByLedger, place.name)
            func isOwn(_ score: String?, _ entries: Entries) -> Bool {
                guard let score, let mine = entries[own].flatMap({ LimitedSetPlan.Own($0) }) else { return false }
                return Evaluator.seconds(score) == mine.untilS
            }
            if let value {
                // The aggregator's own, or what stood there before it, put back.
                if isOwn(value, now) || isOwn(old, before) && now[own] == nil { return nil }
                return "limited.add"
            }
            return isOwn(old, before) && now[own] == nil ? nil : "limited.remove"
        }
    }
}
