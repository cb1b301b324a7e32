/// A calendar period in UTC. Its id is part of the key of everything counted in it, so nothing ever needs resetting.
public enum Period: String, Sendable, Hashable, Codable, CaseIterable {
    case day
    /// The ISO 8601 week, from Monday.
    case week
    case month

    /// One concrete period: the day 2026-11-21, the week 2026-W47, the month 2026-11.
    public struct Instance: Sendable, Hashable {
        /// `2026-11-21`, `2026-W47` or `2026-11`.
        public let id: String
        /// First millisecond of the period, and the first after it, since 1970-01-01T00:00:00Z.
        public let startMs: Int
        public let endMs: Int
    }

    /// The period that contains the instant `ms` (milliseconds since 1970, any year from 0001 to 9999; others are clamped).
    public func containing(ms: Int) -> Instance {
        let day = UTCDay(containingMs: ms)
        switch self {
        case .day:
            return Instance(id: day.id, startMs: day.startMs, endMs: day.startMs + UTCDay.lengthMs)
        case .week:
            // 1970-01-01 was a Thursday; the year of an ISO week is that of its Thursday.
            let weekday = ((day.number + 3) % 7 + 7) % 7
            let monday = UTCDay(number: day.number - weekday)
            let thursday = UTCDay(number: monday.number + 3)
            let week = (thursday.number - UTCDay(year: thursday.year, month: 1, day: 1).number) / 7 + 1
            return Instance(
                id: "\(padded(thursday.year, 4))-W\(padded(week, 2))", startMs: monday.startMs,
                endMs: monday.startMs + 7 * UTCDay.lengthMs)
        case .month:
            let first = UTCDay(year: day.year, month: day.month, day: 1)
            let next =
                day.month == 12
                ? UTCDay(year: day.year + 1, month: 1, day: 1) : UTCDay(year: day.year, month: day.month + 1, day: 1)
            return Instance(id: String(day.id.prefix(7)), startMs: first.startMs, endMs: next.startMs)
        }
    }
}
