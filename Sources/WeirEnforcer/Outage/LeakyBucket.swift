import WeirCore

/// Something that may be used up to a capacity and comes back slowly: a full bucket is empty after
/// ``OutageState/refillMs``. Whole numbers; what is less than one is carried on, so that nothing is gained by asking often.
struct LeakyBucket: Sendable, Hashable {
    /// At least 0.
    private(set) var capacity: Int
    /// What is used: at least 0, and above the capacity only if that was lowered or more was used than expected.
    private(set) var used = 0
    /// What has leaked of the next unit, in units × milliseconds; less than ``OutageState/refillMs``.
    private var carry: UInt128 = 0

    init(capacity: Int) { self.capacity = max(0, capacity) }

    /// What may still be used; 0 at least.
    var left: Int { max(0, capacity.addingSaturated(-used)) }

    mutating func resize(_ capacity: Int) { self.capacity = max(0, capacity) }

    /// Uses all of it or nothing.
    mutating func take(_ units: Int) -> Bool {
        guard units <= left else { return false }
        add(max(0, units))
        return true
    }

    /// Uses it, whether there is room or not.
    mutating func add(_ units: Int) { used = max(0, used.addingSaturated(units)) }

    mutating func leak(ms: Int) {
        guard ms > 0 else { return }
        let refillMs = UInt128(OutageState.refillMs)
        let leaked = UInt128(capacity) * UInt128(ms) + carry
        let whole = leaked / refillMs
        if whole >= UInt128(used) {
            (used, carry) = (0, 0)
        } else {
            (used, carry) = (used - Int(whole), leaked % refillMs)
        }
    }
}
