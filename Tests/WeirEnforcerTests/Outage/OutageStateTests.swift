import Testing
import WeirCore
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutageStateTests {
    static let rules = Policy.Outage(openForMs: 60_000, allowance: MicroUSD(micros: 500_000))

    private func open(_ rules: Policy.Outage = rules) -> OutageState {
        var state = OutageState(rules, nowMs: 0)
        state.failed(nowMs: 0)
        return state
    }

    @Test func `a failure opens it, time closes it, and a calm with an answer ends it`() {
        var state = OutageState(Self.rules, nowMs: 0)
        #expect(state.mode == .up)
        let isAdmitted = state.admit(micros: 1, nowMs: 10)
        #expect(!isAdmitted, "Redis decides")
        state.failed(nowMs: 10)
        #expect(state.mode == .open)
        state.advance(to: 60_009)
        #expect(state.mode == .open)
        state.advance(to: 60_010)
        #expect(state.mode == .closed && state.closing == .time)
        state.failed(nowMs: 70_000)
        #expect(state.mode == .closed)
        state.answered(askedAtMs: 70_999, nowMs: 71_500)
        #expect(state.mode == .closed, "a failure was less than a calm ago")
        state.answered(askedAtMs: 71_000, nowMs: 71_500)
        #expect(state.mode == .up && state.closing == nil)
        state.failed(nowMs: 71_501)
        #expect(state.mode == .closed && state.closing == .time, "nothing has leaked")
    }

    @Test(arguments: [(0, 500_000), (60_000, 0), (0, 0)])
    func `a policy that allows no time or no money closes at once, for calls that cost nothing, too`(
        openForMs: Int, micros: Int
    ) {
        var state = open(.init(openForMs: openForMs, allowance: MicroUSD(micros: micros)))
        #expect(state.mode == .closed && state.closing == .policy)
        let answers = [state.admit(micros: 0, nowMs: 0), state.wouldAdmit(micros: 0, nowMs: 0)]
        #expect(answers == [false, false])
    }

    @Test func `it closes when a call does not fit and no running one may give anything back`() {
        var state = open()
        func admit(_ micros: Int) -> Bool { state.admit(micros: micros, nowMs: 1) }
        var answers = [admit(400_000), admit(100_001)]
        #expect(answers == [true, false])
        #expect(state.mode == .open, "the running call may give back")
        state.ended(taken: 400_000, used: 100_000)
        #expect(state.money.left == 400_000)
        answers = [admit(400_000), admit(0)]
        #expect(answers == [true, true])
        state.ended(taken: 400_000, used: 400_000)
        answers = [admit(1)]
        #expect(answers == [false])
        #expect(state.mode == .open)
        state.ended(taken: 0, used: 0)
        answers = [admit(1), admit(0)]
        #expect(answers == [false, false])
        #expect(state.mode == .closed && state.closing == .money)
    }

    @Test func `asking takes nothing and changes nothing`() {
        var state = open()
        let before = state
        let answers = [500_000, 500_001].map { state.wouldAdmit(micros: $0, nowMs: 0) }
        #expect(answers == [true, false])
        #expect(state == before)
    }

    @Test func `an hour of Redis being up makes the allowance whole, half an hour gives half of it back`() {
        var state = open()
        _ = state.admit(micros: 500_000, nowMs: 0)
        state.ended(taken: 500_000, used: 500_000)
        state.advance(to: 60_000)
        state.answered(askedAtMs: 60_000, nowMs: 60_000)
        #expect(state.mode == .up && state.money.left == 0 && state.time.left == 0)
        state.advance(to: 60_000 + OutageState.refillMs / 2)
        #expect(state.money.left == 250_000 && state.time.left == 30_000)
        state.advance(to: 60_000 + OutageState.refillMs)
        #expect(state.money.left == 500_000 && state.time.left == 60_000)
        state.advance(to: .max)
        #expect(state.money.left == 500_000 && state.time.left == 60_000)
    }

    @Test func `another policy gives nothing back, but by its difference`() {
        var state = open()
        _ = state.admit(micros: 300_000, nowMs: 1_000)
        state.follow(.init(openForMs: 60_000, allowance: MicroUSD(micros: 600_000)), nowMs: 1_000)
        #expect(state.money.left == 300_000 && state.time.left == 59_000)
        state.follow(.init(openForMs: 500, allowance: MicroUSD(micros: 100_000)), nowMs: 1_000)
        #expect(state.mode == .closed && state.money.left == 0 && state.time.left == 0)
        state.follow(Self.rules, nowMs: 1_000)
        #expect(state.mode == .closed && state.money.left == 200_000 && state.time.left == 59_000)
    }

    @Test func `numbers of any size trap nothing`() {
        for numbers in [Int.max, .min, 0] {
            var state = open(.init(openForMs: .max, allowance: MicroUSD(micros: .max)))
            _ = state.admit(micros: numbers, nowMs: numbers)
            state.ended(taken: numbers, used: .max)
            state.ended(taken: .max, used: numbers)
            state.answered(askedAtMs: .max, nowMs: .max)
            state.failed(nowMs: .min)
            state.follow(.init(openForMs: numbers, allowance: MicroUSD(micros: numbers)), nowMs: .max)
            #expect(state.money.left >= 0 && state.time.left >= 0)
        }
    }
}
