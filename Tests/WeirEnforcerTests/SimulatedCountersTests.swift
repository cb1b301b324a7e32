import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

/// The counters in memory against the scripts in Redis.
@Suite struct SimulatedCountersTests {
    private static let shard = Shard(number: 7)
    private static let startMs = 2_540_000_000_000

    private static func counter(_ limit: String, _ counter: Counter, atMs: Int) -> CounterKey {
        CounterKey(shard: shard, limit: limit, subject: "user:acme/alice", counter: counter, atMs: atMs)
    }

    private static func limits(using generator: inout SeededGenerator, atMs: Int) -> [AdmitScript.Entry] {
        let (tokens, money) = (
            Int.random(in: 0...400, using: &generator), Int.random(in: 0...50, using: &generator)
        )
        func least(_ cost: Int) -> Int? { Int.random(in: 0...3, using: &generator) == 0 ? max(1, cost / 4) : nil }
        return [
            .init(counter: counter("calls", .log(windowMs: 60_000), atMs: atMs), cost: 1, amount: 9),
            .init(
                counter: counter("tokens", .ring(windowMs: 60_000), atMs: atMs), cost: tokens, amount: 1500,
                deniesWhenFull: .random(using: &generator), least: least(tokens)),
            .init(
                counter: counter("spend", .budget(.day), atMs: atMs), cost: money, amount: 2000,
                deniesWhenFull: .random(using: &generator), downgrade: .init(on: 800, off: 760), least: least(money)),
            .init(counter: counter("at-once", .inFlight, atMs: atMs), cost: 1, amount: 4),
            .init(counter: counter("free", .budget(.day), atMs: atMs), cost: 5, amount: 0),
            .init(
                counter: counter("watched", .ring(windowMs: 120_000), atMs: atMs), cost: 1, amount: 2, denies: false),
            .init(
                counter: counter("dear", .budget(.day), atMs: atMs), cost: money, amount: 900,
                downgrade: .init(on: 600, off: 550)),
            .init(counter: counter("cheap", .log(windowMs: 60_000), atMs: atMs), cost: nil, amount: 7),
        ]
    }

    private struct Running {
        let script: AdmitScript
        let held: [Int]
        let endMs: Int
    }

    /// Settles what has ended by then, each at what it held.
    private func settle(_ running: inout [Running], untilMs: Int, on redis: RedisConnection) async throws {
        for call in running where call.endMs <= untilMs {
            _ = try await EndScript(
                .settle, shard: Self.shard, id: call.script.id, admittedMs: call.script.nowMs,
                event: Array("{}".utf8),
                counters: zip(call.script.limits, call.held).map { (counter: $0.counter, units: $1) },
                nowMs: call.endMs
            ).run(on: redis)
        }
        running.removeAll { $0.endMs <= untilMs }
    }

    @Test(arguments: 0..<3) func `they decide as the scripts do, call by call`(round: Int) async throws {
        var generator = SeededGenerator()
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                try await open(Self.shard, epoch: "1", of: redis)
                var counters = SimulatedCounters()
                var running: [Running] = []
                var nowMs = Self.startMs
                var seen: Set<String> = []
                for step in 0..<300 {
                    nowMs += [0, 1, 300, 2_000, 9_000, 61_000].randomElement(using: &generator) ?? 0
                    if step % 100 == 99 { nowMs += 40_000_000 }
                    let count = Int.random(in: 0...2, using: &generator)
                    // What covers only cheaper models is asked where there are such.
                    let limits = Self.limits(using: &generator, atMs: nowMs).filter { $0.cost != nil || count > 0 }
                    let lower = (0..<count).map { rung in
                        AdmitScript.Rung(
                            call: Array("{}".utf8),
                            costs: limits.map { entry in
                                if entry.counter.key.contains(":dear:") { return nil }
                                if entry.counter.key.contains(":cheap:") { return 1 }
                                guard let cost = entry.cost, cost > 1 else { return entry.cost }
                                return cost / (2 + rung)
                            })
                    }
                    let script = AdmitScript(
                        shard: Self.shard, id: ReservationID(birthMs: nowMs, using: &generator), namedAtMs: nowMs,
                        leaseMs: 10_000_000, call: Array("{}".utf8), limits: limits, lower: lower, nowMs: nowMs)
                    try await settle(&running, untilMs: nowMs, on: redis)
                    let costs = [limits.map(\.cost)] + lower.map(\.costs)
                    let decision = counters.decide(limits, costs: costs, nowMs: nowMs)
                    let what: Comment = "seed \(generator.seed), step \(step)"
                    switch (try await script.run(on: redis), decision) {
                    case (.admitted(_, _, let chosen), .admitted(let rung, let held)):
                        #expect(rung == chosen?.rung ?? 0, what)
                        if let chosen {
                            let covered = zip(chosen.held, costs[rung]).map { $1 == nil ? 0 : $0 }
                            #expect(held == covered, what)
                        }
                        seen.insert("rung \(rung)")
                        if zip(held, costs[rung]).contains(where: { $0 < $1 ?? 0 }) { seen.insert("shortened") }
                        let endMs = nowMs + Int.random(in: 1...40_000, using: &generator)
                        for (index, limit) in limits.enumerated() where costs[rung][index] != nil {
                            counters.charge(limit.counter, units: held[index], nowMs: nowMs, endMs: endMs)
                        }
                        running.append(Running(script: script, held: held, endMs: endMs))
                    case (
                        .denied(_, let limit, let used, let reserved, let waitMs), .denied(let index, let sum, let wait)
                    ):
                        #expect(index == limit && sum == used + reserved && wait == waitMs, what)
                        seen.insert("denied by \(limit)")
                    case (let reply, _): Issue.record("\(reply) but \(decision), \(what)")
                    }
                }
                #expect(seen.count >= 4, "\(seen), seed \(generator.seed)")
            }
        }
    }
}
