import WeirCore

/// UTC days, from the first to the last, both included.
package struct DayRange: Sendable, Hashable {
    package var first: UTCDay
    package var last: UTCDay

    package init(first: UTCDay, last: UTCDay) {
        self.first = first
        self.last = last
    }

    /// The days of a period.
    package init(_ period: Period.Instance) {
        self.init(first: UTCDay(containingMs: period.startMs), last: UTCDay(containingMs: period.endMs - 1))
    }
}
