import WeirCore

/// A ring of lua/lib/counters.lua in memory: the newest sixtieth of a window and the sixty before it, each with its units.
struct SimulatedRing: Sendable {
    static let buckets = 60

    private var newest: Int
    private var total = 0
    private var slots = [Int](repeating: 0, count: buckets + 1)

    init(atMs nowMs: Int, windowMs: Int) { newest = Self.bucket(nowMs, windowMs) }

    private static func bucket(_ nowMs: Int, _ windowMs: Int) -> Int {
        max(0, nowMs).multipliedSaturated(by: buckets) / max(1, windowMs)
    }

    /// Units in the window that ends at `nowMs`, which is never before that of an earlier question.
    mutating func used(atMs nowMs: Int, windowMs: Int) -> Int {
        let bucket = Self.bucket(nowMs, windowMs)
        if bucket - newest > Self.buckets {
            (total, slots) = (0, [Int](repeating: 0, count: Self.buckets + 1))
            newest = bucket
        }
        while newest < bucket {
            newest += 1
            let slot = newest % slots.count
            total -= slots[slot]
            slots[slot] = 0
        }
        return total
    }

    /// Adds to the bucket that ``used(atMs:windowMs:)`` found.
    mutating func add(_ units: Int) {
        let room = min(units, Int.largestExact - total)
        slots[newest % slots.count] += room
        total += room
    }

    /// Milliseconds until `cost` more fit; nil: they never do.
    func wait(for cost: Int, of amount: Int, nowMs: Int, windowMs: Int) -> Int? {
        guard cost <= amount else { return nil }
        var left = total
        for age in stride(from: Self.buckets, through: 0, by: -1) {
            let bucket = newest - age
            guard bucket >= 0 else { continue }
            left -= slots[bucket % slots.count]
            if left.addingSaturated(cost) <= amount {
                // It is forgotten when the 61st after it begins.
                let end = (bucket + Self.buckets + 1).multipliedSaturated(by: windowMs)
                return end / Self.buckets + (end % Self.buckets > 0 ? 1 : 0) - nowMs
            }
        }
        return windowMs
    }
}
