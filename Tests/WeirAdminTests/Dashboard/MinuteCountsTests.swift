import Testing
import WeirCore
import WeirLedger

@testable import WeirAdmin

@Suite struct MinuteCountsTests {
    private static let start = 20_000 * UTCDay.lengthMs

    private func totals(_ day: Int, calls: Int, denials: Int = 0) -> DayCalls {
        DayCalls(day: UTCDay(number: day), calls: calls, denials: denials)
    }

    @Test func `what was there before is not counted, what comes is, in its minute`() {
        var counts = MinuteCounts()
        counts.add([totals(20_000, calls: 500, denials: 9)], atMs: Self.start + 3_600_000)
        counts.add([totals(20_000, calls: 503, denials: 9)], atMs: Self.start + 3_610_000)
        counts.add([totals(20_000, calls: 503, denials: 11)], atMs: Self.start + 3_665_000)
        #expect(counts.minutes.map(\.admitted) == [3, 0])
        #expect(counts.minutes.map(\.denied) == [0, 2])
    }

    @Test func `midnight loses nothing`() {
        var counts = MinuteCounts()
        let midnight = Self.start + UTCDay.lengthMs
        counts.add([totals(19_999, calls: 7), totals(20_000, calls: 10)], atMs: midnight - 1000)
        counts.add([totals(20_000, calls: 12), totals(20_001, calls: 5)], atMs: midnight + 1000)
        #expect(counts.minutes.map(\.admitted) == [0, 7])
    }

    @Test func `minutes in which nothing was read are zero, and an hour is kept`() {
        var counts = MinuteCounts()
        counts.add([totals(20_000, calls: 0)], atMs: Self.start)
        counts.add([totals(20_000, calls: 1)], atMs: Self.start + 180_000)
        #expect(counts.minutes.map(\.admitted) == [0, 0, 0, 1])
        counts.add([totals(20_000, calls: 2)], atMs: Self.start + 10 * 3_600_000)
        #expect(counts.minutes.count == MinuteCounts.kept && counts.minutes.last?.admitted == 1)
        #expect(zip(counts.minutes, counts.minutes.dropFirst()).allSatisfy { $1.startMs - $0.startMs == 60_000 })
    }

    @Test func `a ledger that takes a call back, and a clock that steps back, count nothing`() {
        var counts = MinuteCounts()
        counts.add([totals(20_000, calls: 10)], atMs: Self.start + 600_000)
        counts.add([totals(20_000, calls: 9)], atMs: Self.start)
        #expect(counts.minutes.map(\.admitted) == [0])
        counts.add([totals(20_000, calls: 10)], atMs: Self.start + 600_000)
        #expect(counts.minutes.map(\.admitted) == [1])
    }
}
