import NIOHTTP1
import Testing

@testable import WeirSimulator

@Suite struct CallLogTests {
    private func begin(_ log: CallLog, _ number: Int) -> Int {
        log.begin(
            CallLog.Arrival(
                key: "k", endpoint: "/v1/messages", headers: ["x-number": String(number)], request: nil, calledAtMs: 5))
    }

    @Test func `the log is bounded, drops the oldest and counts what it dropped`() {
        let log = CallLog(capacity: 10_000)
        for number in 1...30_000 { #expect(begin(log, number) == number) }
        let calls = log.calls(from: 1, limit: .max).calls
        #expect(calls.count >= 10_000 && calls.count < 10_000 + 2 * 4096)
        #expect(calls.last?.id == 30_000 && calls.first?.id == log.dropped + 1)
        #expect(calls.last?.requestHeaders == [.init(name: "x-number", value: "30000")])
        #expect(calls.first?.requestHeaders == nil)
        log.end(1, .completed, usage: SimulatedUsage(output: 1), status: 200)
    }

    @Test func `the first end of a call counts`() {
        let log = CallLog(capacity: 10)
        let id = begin(log, 1)
        log.progress(id, usage: SimulatedUsage(output: 1), status: 200)
        #expect(log.calls(from: 1, limit: 1).calls[0].outcome == .open)
        log.end(id, .hung, usage: SimulatedUsage(output: 2), status: 200)
        log.end(id, .clientGone, usage: SimulatedUsage(output: 3), status: 200)
        log.progress(id, usage: SimulatedUsage(output: 4), status: 200)
        let call = log.calls(from: 1, limit: 1).calls[0]
        #expect(call.outcome == .hung && call.usage.output == 2)
    }

    @Test(arguments: [Int.min, -1, 0, 1, 3, 4, Int.max])
    func `any page may be asked for`(from: Int) {
        let log = CallLog(capacity: 10)
        for number in 1...3 { _ = begin(log, number) }
        #expect(log.calls(from: from, limit: .max).calls.count == (from <= 1 ? 3 : from == 3 ? 1 : 0))
    }

    @Test func `clearing forgets, and a call of before leaves no trace`() {
        let log = CallLog(capacity: 10)
        let old = begin(log, 1)
        log.clear()
        let new = begin(log, 2)
        log.end(old, .completed, usage: SimulatedUsage(output: 9), status: 200)
        #expect(new == 2)
        #expect(log.calls(from: 1, limit: 10).calls.map(\.outcome) == [.open])
    }
}
