import WeirCore

/// Whether an amount lasts until it is whole again, if it is used as lately. Pure.
enum Projection: Sendable, Hashable {
    /// Nothing is left.
    case exhausted
    /// Milliseconds since 1970.
    case exhaustedAt(ms: Int)
    /// It lasts until the period ends.
    case lasts
    /// Nothing was used lately, so nothing can be said.
    case unused

    /// - Parameter used: with what is reserved.
    /// - Parameter resetsAtMs: when the period ends.
    /// - Parameter recentUnits: what was used in the `recentMs` before `nowMs`.
    init(amount: Int, used: Int, resetsAtMs: Int, recentUnits: Int, recentMs: Int, nowMs: Int) {
        let remaining = amount.addingSaturated(-max(0, used))
        guard remaining > 0 else {
            self = .exhausted
            return
        }
        guard recentUnits > 0, recentMs > 0 else {
            self = .unused
            return
        }
        // Exact, in 128 bits: no floating point near money.
        let product = remaining.multipliedFullWidth(by: recentMs)
        // More than the largest time there is: far beyond any period.
        guard product.high < recentUnits else {
            self = .lasts
            return
        }
        let leftMs = recentUnits.dividingFullWidth(product).quotient
        let end = nowMs.addingSaturated(leftMs)
        self = end < resetsAtMs ? .exhaustedAt(ms: end) : .lasts
    }

    /// The days whose use says how fast an amount of this period is used: today for a day, else a week.
    static func recentDays(of period: Period, nowMs: Int) -> (first: UTCDay, last: UTCDay) {
        let today = UTCDay(containingMs: nowMs)
        return (period == .day ? today : UTCDay(number: today.number - 6), today)
    }
}
