import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Calls that begin in one period and end in another.
@Suite struct MidnightTests {
    /// The last millisecond of a day, a week, a month and a year at once: 2051-12-31 is a Sunday.
    static let lastMs = 2_587_679_999_999

    @Test func `F-T5: a call that spans midnight is settled where it was reserved`() async throws {
        try await TestNode.run { (node) async throws in
            let shard = Shard(of: "acme")
            var generator = SystemRandomNumberGenerator()
            let id = ReservationID(birthMs: Self.lastMs, using: &generator)
            let entries = [Period.day, .week, .month].map { period in
                AdmitScript.Entry(
                    counter: CounterKey(
                        shard: shard, limit: "spend", subject: "user:acme/alice", counter: .budget(period),
                        atMs: Self.lastMs), cost: 50, amount: 100)
            }
            #expect(entries.map { $0.counter.span } == [Self.lastMs + 1, Self.lastMs + 1, Self.lastMs + 1])
            let admission = AdmitScript(
                shard: shard, id: id, namedAtMs: Self.lastMs, leaseMs: 20_000, call: Array("{}".utf8), limits: entries,
                nowMs: Self.lastMs)
            guard case .admitted = try await admission.run(on: node.redis) else {
                throw RedisError.protocolViolation("denied")
            }
            let part = Reservation.Part(
                shard: shard.number, admittedAtMs: Self.lastMs,
                holds: entries.map { entry in
                    .init(
                        limit: "spend", subject: "user:acme/alice", unit: .usd, key: entry.counter.key,
                        counter: entry.counter.counter, held: 50, amount: 100, remaining: 50, resetsInMs: 1)
                })
            var settlement = EndScript(.settle, id, part, event: Array("{}".utf8)) { _ in 7 }
            settlement.nowMs = Self.lastMs + 600_000
            #expect(try await settlement.run(on: node.redis) == .ended(skipped: 0))
            for entry in entries {
                let reply = try await node.send("HMGET", .string(entry.counter.key), "settled", "reserved")
                guard case .array(let values) = reply else { throw RedisError.protocolViolation("HMGET") }
                #expect(values.map(\.text) == ["7", "0"])
            }
            // The next period has heard nothing of it.
            for period in [Period.day, .week, .month] {
                let next = CounterKey(
                    shard: shard, limit: "spend", subject: "user:acme/alice", counter: .budget(period),
                    atMs: Self.lastMs + 1)
                #expect(try await node.send("EXISTS", .string(next.key)) == .integer(0))
            }
        }
    }

    @Test func `F-T5: around midnight each call is charged to the day of its admission, to the unit`() async throws {
        let count = FaultReport.rounds(400, full: 10_000)
        let seed = SeededGenerator().seed
        try await TestNode.run { (node) async throws in
            let shard = Shard(of: "acme")
            func key(_ ms: Int) -> CounterKey {
                CounterKey(
                    shard: shard, limit: "spend", subject: "user:acme/alice", counter: .budget(.day), atMs: ms)
            }
            /// One call: when it was admitted, and what it used.
            @Sendable func call(_ number: Int) async throws -> (atMs: Int, used: Int) {
                var random = SeededGenerator(seed: seed &+ UInt64(number))
                let atMs = Self.lastMs + Int.random(in: -1_000...1_000, using: &random)
                let used = Int.random(in: 0...50, using: &random)
                let id = ReservationID(birthMs: atMs, using: &random)
                let entry = AdmitScript.Entry(
                    counter: CounterKey(
                        shard: shard, limit: "spend", subject: "user:acme/alice", counter: .budget(.day), atMs: atMs),
                    cost: 50, amount: 100_000_000)
                let admission = AdmitScript(
                    shard: shard, id: id, namedAtMs: atMs, leaseMs: 60_000, call: Array("{}".utf8), limits: [entry],
                    nowMs: atMs)
                guard case .admitted = try await admission.run(on: node.redis) else {
                    throw RedisError.protocolViolation("not admitted")
                }
                var settlement = EndScript(
                    .settle, shard: shard, id: id, admittedMs: atMs, event: Array("{}".utf8),
                    counters: [(counter: entry.counter, units: used)])
                settlement.nowMs = atMs + Int.random(in: 0...30_000, using: &random)
                guard case .ended(skipped: 0) = try await settlement.run(on: node.redis) else {
                    throw RedisError.protocolViolation("not settled")
                }
                return (atMs, used)
            }
            var expected = [0, 0]
            try await withThrowingTaskGroup(of: [(atMs: Int, used: Int)].self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        var calls: [(atMs: Int, used: Int)] = []
                        for number in stride(from: worker, to: count, by: 16) { calls.append(try await call(number)) }
                        return calls
                    }
                }
                for try await calls in group {
                    for call in calls { expected[call.atMs <= Self.lastMs ? 0 : 1] += call.used }
                }
            }
            var found: [Int] = []
            for ms in [Self.lastMs, Self.lastMs + 1] {
                let reply = try await node.send("HMGET", .string(key(ms).key), "settled", "reserved")
                guard case .array(let values) = reply else { throw RedisError.protocolViolation("HMGET") }
                found.append(values[0].text.flatMap { Int($0) } ?? -1)
                #expect(values[1].text == "0")
            }
            #expect(found == expected, "seed \(seed)")
            try FaultReport(
                "F-T5", invariant: "a call belongs to the day of its admission, E2 L1",
                bound: "\(expected[0]) before, \(expected[1]) after midnight",
                measured: "\(found[0]) and \(found[1]), \(count) calls, seed \(seed)"
            ).report()
        }
    }
}
