import Testing
import WeirCore

@testable import WeirAdmin

@Suite struct ProjectionTests {
    private static let day = UTCDay.lengthMs

    private func project(amount: Int, used: Int, recent: Int, overDays: Int = 7, daysLeft: Int = 10) -> Projection {
        Projection(
            amount: amount, used: used, resetsAtMs: 1_000 * Self.day + daysLeft * Self.day, recentUnits: recent,
            recentMs: overDays * Self.day, nowMs: 1_000 * Self.day)
    }

    @Test func `at ten a day, fifty left are used up in five days`() {
        #expect(project(amount: 100, used: 50, recent: 70) == .exhaustedAt(ms: 1_005 * Self.day))
    }

    @Test func `what is left on the day of the reset lasts`() {
        #expect(project(amount: 150, used: 50, recent: 70) == .lasts)
        #expect(project(amount: 149, used: 50, recent: 70) == .exhaustedAt(ms: 1_000 * Self.day + 99 * Self.day / 10))
    }

    @Test func `without recent use nothing is said, and nothing left is told first`() {
        #expect(project(amount: 100, used: 99, recent: 0) == .unused)
        #expect(project(amount: 100, used: 100, recent: 0) == .exhausted)
        #expect(project(amount: 100, used: 250, recent: 7) == .exhausted)
    }

    @Test func `an amount of trillions at one micro-dollar a week lasts`() {
        #expect(project(amount: .max, used: 0, recent: 1) == .lasts)
    }

    @Test func `a month is judged by a week, a day by today`() {
        let nowMs = 20_000 * Self.day + 5
        #expect(Projection.recentDays(of: .month, nowMs: nowMs).first.number == 19_994)
        #expect(Projection.recentDays(of: .day, nowMs: nowMs).first.number == 20_000)
    }
}
