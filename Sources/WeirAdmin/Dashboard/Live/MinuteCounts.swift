import WeirCore
import WeirLedger

/// Calls and denials by minute, made of totals that are read again and again. Pure.
///
/// A call counts in the minute in which its usage was first seen in the ledger, a denial in that in which its node's count
/// was: a few seconds after they happened.
struct MinuteCounts: Sendable, Equatable {
    struct Minute: Sendable, Hashable {
        var startMs: Int
        var admitted = 0
        var denied = 0
    }

    /// An hour.
    static let kept = 60

    /// Oldest first, without gaps.
    private(set) var minutes: [Minute] = []
    private var known: [UTCDay: DayCalls] = [:]

    /// - Parameter totals: of today and yesterday, so that what arrives after midnight is not lost.
    mutating func add(_ totals: [DayCalls], atMs nowMs: Int) {
        let isFirst = minutes.isEmpty
        advance(to: nowMs - nowMs % 60_000)
        if !isFirst {
            for total in totals {
                let before = known[total.day] ?? DayCalls(day: total.day, calls: 0, denials: 0)
                // The ledger can take a call back (an orphan that was none): that is no call less now.
                minutes[minutes.count - 1].admitted += max(0, total.calls - before.calls)
                minutes[minutes.count - 1].denied += max(0, total.denials - before.denials)
            }
        }
        known = Dictionary(totals.map { ($0.day, $0) }) { _, last in last }
    }

    private mutating func advance(to startMs: Int) {
        guard let last = minutes.last else {
            minutes = [Minute(startMs: startMs)]
            return
        }
        guard startMs > last.startMs else { return }
        let missing = min(Self.kept, (startMs - last.startMs) / 60_000)
        for step in stride(from: missing - 1, through: 0, by: -1) {
            minutes.append(Minute(startMs: startMs - step * 60_000))
        }
        minutes.removeFirst(max(0, minutes.count - Self.kept))
    }
}
