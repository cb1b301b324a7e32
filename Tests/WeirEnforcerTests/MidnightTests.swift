import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// Calls that begin in one period and end in another.
@Suite struct MidnightTests {
    /// The last millisecond of a day, a week, a month and a year at once: 2051-12-31 is a Sunday.
    static let lastMs = 2_587_679_999_999

    @Test func `a call that spans midnight is settled where it was reserved`() async throws {
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
}
