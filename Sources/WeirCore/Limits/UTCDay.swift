/// A day of the Gregorian calendar in UTC, without Foundation: pure, exact and fast enough for every call.
///
/// The conversions are Howard Hinnant's `days_from_civil` and `civil_from_days`
/// (howardhinnant.github.io/date_algorithms.html).
public struct UTCDay: Sendable, Hashable {
    public static let lengthMs = 86_400_000

    /// Days since 1970-01-01.
    public let number: Int
    public let year: Int
    public let month: Int
    public let day: Int

    public init(number: Int) {
        // 0001-01-01 … 9999-12-31, so that ids keep their form whatever a clock says.
        let number = min(max(number, -719_162), 2_932_896)
        self.number = number
        let shifted = number + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public init(containingMs ms: Int) {
        self.init(number: ms >= 0 ? ms / Self.lengthMs : -((-(ms + 1)) / Self.lengthMs) - 1)
    }

    /// `month` 1 to 12 and `day` 1 to 31 must form a date.
    public init(year: Int, month: Int, day: Int) {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(number: era * 146_097 + dayOfEra - 719_468)
    }

    /// Reads `2026-11-21`; nil for anything else, and for a date that is not in the calendar.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard text.utf8.count == 10, parts.count == 3, (1...9999).contains(parts[0]), (1...12).contains(parts[1]),
            (1...31).contains(parts[2])
        else { return nil }
        self.init(year: parts[0], month: parts[1], day: parts[2])
        // The 31st of a month that has none would become the first of the next.
        guard id == text else { return nil }
    }

    public var startMs: Int { number * Self.lengthMs }

    /// `2026-11-21`.
    public var id: String {
        // Written by hand: it is part of keys, several times in each call.
        String(unsafeUninitializedCapacity: 10) { buffer in
            for (index, part) in [(0, year / 100), (2, year % 100), (5, month), (8, day)] {
                buffer[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: part / 10)
                buffer[index + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: part % 10)
            }
            buffer[4] = UInt8(ascii: "-")
            buffer[7] = UInt8(ascii: "-")
            return 10
        }
    }
}

extension UTCDay: Comparable {
    public static func < (left: UTCDay, right: UTCDay) -> Bool { left.number < right.number }
}

extension UTCDay: Codable {
    /// As text, `2026-11-21`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let day = UTCDay(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text.prefix(40))\" is not a day such as 2026-11-21")
        }
        self = day
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(id)
    }
}

/// `number` with leading zeros.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
