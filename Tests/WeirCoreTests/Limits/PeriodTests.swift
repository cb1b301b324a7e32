import Foundation
import Testing
import WeirCore

@Suite struct PeriodTests {
    private static func ms(_ text: String) throws -> Int {
        Int(try Date(text, strategy: .iso8601).timeIntervalSince1970) * 1000
    }

    @Test(arguments: [
        ("2026-11-21T12:00:00Z", Period.day, "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("2026-11-21T00:00:00Z", .day, "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("2024-02-29T23:59:59Z", .day, "2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2026-11-21T12:00:00Z", .week, "2026-W47", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        // ISO weeks belong to the year of their Thursday.
        ("2027-01-01T00:00:00Z", .week, "2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
        ("2027-01-04T00:00:00Z", .week, "2027-W01", "2027-01-04T00:00:00Z", "2027-01-11T00:00:00Z"),
        ("2024-12-30T00:00:00Z", .week, "2025-W01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"),
        ("2023-01-01T23:59:59Z", .week, "2022-W52", "2022-12-26T00:00:00Z", "2023-01-02T00:00:00Z"),
        ("2026-12-31T23:59:59Z", .month, "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2024-02-10T00:00:00Z", .month, "2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2100-02-28T23:59:59Z", .month, "2100-02", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"),
        ("1969-12-31T23:59:59Z", .month, "1969-12", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"),
    ])
    func `a period is the UTC day, ISO week or month that contains the instant`(
        at: String, period: Period, id: String, start: String, end: String
    ) throws {
        let instance = period.containing(ms: try Self.ms(at))
        #expect(instance.id == id)
        #expect(instance.startMs == (try Self.ms(start)))
        #expect(instance.endMs == (try Self.ms(end)))
    }

    @Test func `periods agree with Foundation's calendar at random instants`() throws {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        let seed = UInt64.random(in: .min ... .max)
        var generator = Generator(state: seed)
        for _ in 0..<5000 {
            // 1900 to 2200.
            let ms = Int.random(in: -2_208_988_800_000...7_258_118_400_000, using: &generator)
            let date = Date(timeIntervalSince1970: Double(ms) / 1000)
            for (period, component) in [
                (Period.day, Calendar.Component.day), (.week, .weekOfYear), (.month, .month),
            ] {
                let expected = try #require(calendar.dateInterval(of: component, for: date))
                let instance = period.containing(ms: ms)
                #expect(instance.startMs == Int(expected.start.timeIntervalSince1970) * 1000, "seed \(seed): \(ms)")
                #expect(instance.endMs == Int(expected.end.timeIntervalSince1970) * 1000, "seed \(seed): \(ms)")
                #expect(instance.startMs <= ms && ms < instance.endMs)
            }
            let week = calendar.dateComponents([.yearForWeekOfYear, .weekOfYear], from: date)
            let number = try #require(week.weekOfYear)
            #expect(
                Period.week.containing(ms: ms).id
                    == "\(try #require(week.yearForWeekOfYear))-W\(number < 10 ? "0" : "")\(number)", "seed \(seed)")
        }
    }

    /// The first millisecond of a period, and the ids of the one that ends and the one that begins there.
    @Test(arguments: [
        ("2027-01-01T00:00:00Z", Period.day, "2026-12-31", "2027-01-01"),
        ("2024-02-29T00:00:00Z", .day, "2024-02-28", "2024-02-29"),
        ("2024-03-01T00:00:00Z", .day, "2024-02-29", "2024-03-01"),
        ("2026-03-01T00:00:00Z", .day, "2026-02-28", "2026-03-01"),
        ("2100-03-01T00:00:00Z", .day, "2100-02-28", "2100-03-01"),
        ("2000-03-01T00:00:00Z", .day, "2000-02-29", "2000-03-01"),
        ("2026-01-01T00:00:00Z", .month, "2025-12", "2026-01"),
        ("2024-03-01T00:00:00Z", .month, "2024-02", "2024-03"),
        ("2026-05-01T00:00:00Z", .month, "2026-04", "2026-05"),
        // A year of 52 weeks, one of 53, and week 1 that begins in the year before or after New Year.
        ("2026-11-23T00:00:00Z", .week, "2026-W47", "2026-W48"),
        ("2023-01-02T00:00:00Z", .week, "2022-W52", "2023-W01"),
        ("2021-01-04T00:00:00Z", .week, "2020-W53", "2021-W01"),
        ("2026-12-28T00:00:00Z", .week, "2026-W52", "2026-W53"),
        ("2027-01-04T00:00:00Z", .week, "2026-W53", "2027-W01"),
        ("2024-12-30T00:00:00Z", .week, "2024-W52", "2025-W01"),
        ("2018-12-31T00:00:00Z", .week, "2018-W52", "2019-W01"),
        ("2024-02-26T00:00:00Z", .week, "2024-W08", "2024-W09"),
    ])
    func `a period ends at the millisecond at which the next one begins`(
        at: String, period: Period, ending: String, beginning: String
    ) throws {
        let ms = try Self.ms(at)
        let (last, first) = (period.containing(ms: ms - 1), period.containing(ms: ms))
        #expect((last.id, first.id) == (ending, beginning))
        #expect(last.endMs == ms && first.startMs == ms)
    }

    @Test(arguments: Period.allCases)
    func `periods follow one another without gap or overlap, each under an id of its own`(period: Period) throws {
        // Through four hundred years, after which the calendar repeats itself.
        let end = try Self.ms("2301-01-01T00:00:00Z")
        var instance = period.containing(ms: try Self.ms("1901-01-01T00:00:00Z"))
        var ids: Set<String> = []
        while instance.startMs < end {
            try #require(ids.insert(instance.id).inserted, "\(instance.id) twice")
            try #require(period.containing(ms: instance.endMs - 1) == instance)
            let next = period.containing(ms: instance.endMs)
            try #require(next.startMs == instance.endMs)
            instance = next
        }
        #expect(ids.count == [.day: 146_097, .week: 20_872, .month: 4_800][period])
    }

    @Test func `no clock, however wrong, traps`() {
        for ms in [Int.min, Int.min + 1, -1, 0, 1, Int.max] {
            for period in Period.allCases { #expect(!period.containing(ms: ms).id.isEmpty) }
        }
    }
}

/// SplitMix64, so that a failing seed can be tried again.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
