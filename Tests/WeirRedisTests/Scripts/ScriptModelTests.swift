import NIOCore
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

/// Random histories on a real Redis, compared step by step with ``ShardModel``.
@Suite struct ScriptModelTests {
    static let shard = Shard(number: 7)
    static let startMs = 2_540_000_000_000

    static func limits(using generator: inout SeededGenerator) -> [AdmitScript.Entry] {
        func counter(_ limit: String, _ counter: Counter) -> CounterKey {
            CounterKey(shard: shard, limit: limit, subject: "user:acme/alice", counter: counter, atMs: startMs)
        }
        let (tokens, money) = (Int.random(in: 0...400, using: &generator), Int.random(in: 0...50, using: &generator))
        func least(_ cost: Int) -> Int? { Int.random(in: 0...3, using: &generator) == 0 ? max(1, cost / 4) : nil }
        return [
            .init(
                counter: counter("calls", .log(windowMs: 60_000)), cost: 1,
                amount: .random(in: 2...6, using: &generator)),
            .init(
                counter: counter("tokens", .ring(windowMs: 60_000)), cost: tokens, amount: 1000,
                deniesWhenFull: .random(using: &generator), least: least(tokens)),
            .init(
                counter: counter("spend", .budget(.month)), cost: money, amount: 700,
                deniesWhenFull: .random(using: &generator), downgrade: .init(on: 420, off: 385), least: least(money)),
            .init(counter: counter("at-once", .inFlight), cost: 1, amount: 3),
            .init(counter: counter("free", .budget(.day)), cost: 5, amount: 0),
            .init(counter: counter("watched", .ring(windowMs: 120_000)), cost: 1, amount: 2, denies: false),
            // Covers the first model alone.
            .init(
                counter: counter("dear", .budget(.day)), cost: money, amount: 300, downgrade: .init(on: 200, off: 185)),
            // Covers all but the first.
            .init(counter: counter("cheap", .log(windowMs: 60_000)), cost: nil, amount: 5),
        ].filter { _ in Bool.random(using: &generator) }
    }

    /// Cheaper models: none for half of the calls.
    static func lower(_ limits: [AdmitScript.Entry], using generator: inout SeededGenerator) -> [AdmitScript.Rung] {
        guard Bool.random(using: &generator) else { return [] }
        return (2...Int.random(in: 2...4, using: &generator)).map { number in
            AdmitScript.Rung(
                call: Array(#"{"rung":\#(number)}"#.utf8),
                costs: limits.map { limit in
                    guard let cost = limit.cost else { return 1 }
                    if limit.counter.key.contains(":dear:") { return nil }
                    switch limit.counter.counter {
                    case .log, .inFlight: return 1
                    case .ring, .budget: return cost / number
                    }
                })
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, UInt64.random(in: 6...(.max))])
    func `every answer of a random history is the model's, and no window ever holds more than its amount`(
        seed: UInt64
    ) async throws {
        print("seed \(seed)")
        try await withRedis { server in
            try await withProcesses(of: server) { redis, gateway, aggregator in
                try await open(Self.shard, epoch: "test", of: redis)
                var generator = SeededGenerator(seed: seed)
                var model = ShardModel()
                var calls: [AdmitScript] = []
                var now = Self.startMs
                var admittedAt: [String: Int] = [:]
                var held: [String: [Int]] = [:]
                var served: [Int: Int] = [:]
                // Every second history has a clock that steps back. There nothing is given back by rings and logs,
                // since a correction then goes to the bucket of the clock, not of the admission.
                let stepsBack = seed % 2 == 0
                let leaps = [0, 1, 7, 300, 999, 1000, 1001, 5_000, 61_000] + (stepsBack ? [-2_500, -90_000] : [])
                for step in 0..<600 {
                    now += leaps.randomElement(using: &generator) ?? 0
                    let choice = calls.isEmpty ? 0 : Int.random(in: 0...9, using: &generator)
                    switch choice {
                    case 0...4:
                        var script: AdmitScript
                        if choice == 4, let known = calls.randomElement(using: &generator) {
                            script = known  // the same id again
                            script.namedAtMs = now
                        } else {
                            var limits = Self.limits(using: &generator)
                            let lower = Self.lower(limits, using: &generator)
                            // Where there is one model alone, what does not cover it is left out.
                            if lower.isEmpty { limits.removeAll { $0.cost == nil } }
                            script = AdmitScript(
                                shard: Self.shard, id: ReservationID(birthMs: now, using: &generator), namedAtMs: now,
                                leaseMs: 20_000, call: Array(#"{"rung":1}"#.utf8), limits: limits, lower: lower)
                        }
                        script.nowMs = now
                        let isNew = model.live[script.id.text] == nil
                        let expected = model.admit(script, nowMs: now)
                        let answer = try await script.run(on: gateway)
                        try #require(
                            answer == expected, "seed \(seed), step \(step): admit \(script.limits) \(script.lower)")
                        if case .admitted(_, _, let chosen?) = answer, isNew { served[chosen.rung, default: 0] += 1 }
                        if case .admitted = answer, isNew {
                            admittedAt[script.id.text] = now
                            held[script.id.text] = model.live[script.id.text]?.held
                            calls.append(script)
                        }
                    case 5...8:
                        guard let call = calls.randomElement(using: &generator) else { continue }
                        var end: EndScript.End = [.settle, .settle, stepsBack ? .reap : .release, .reap][choice - 5]
                        if end == .release {
                            end = [.release, .retract, .withdraw].randomElement(using: &generator) ?? end
                        }
                        let script = EndScript(
                            end, shard: Self.shard, id: call.id, admittedMs: admittedAt[call.id.text],
                            event: Array("\(step)".utf8),
                            counters: zip(call.limits, held[call.id.text] ?? []).enumerated().map { index, pair in
                                let (entry, held) = pair
                                let rung = model.rungs[call.id.text] ?? 0
                                let covers = rung == 0 ? entry.cost != nil : call.lower[rung - 1].costs[index] != nil
                                let units =
                                    switch entry.counter.counter {
                                    case .log, .inFlight: 1
                                    // At most what was held, so that the window's promise can be checked below.
                                    case .ring: stepsBack ? held : Int.random(in: 0...held, using: &generator)
                                    case .budget: Int.random(in: 0...60, using: &generator)
                                    }
                                return (
                                    entry.counter, [.release, .retract, .withdraw].contains(end) || !covers ? 0 : units
                                )
                            }, nowMs: now)
                        let expected = model.end(script, nowMs: now)
                        let answer = try await script.run(on: end == .reap ? aggregator : gateway)
                        try #require(answer == expected, "seed \(seed), step \(step): \(end) \(call.limits)")
                        // What is forgotten could be admitted again; no node does that.
                        if end == .retract, case .ended = answer { calls.removeAll { $0.id == call.id } }
                    default:
                        guard let call = calls.randomElement(using: &generator) else { continue }
                        let inFlight = call.limits.filter { $0.counter.counter == .inFlight }.map(\.counter.key)
                        let expected = model.renew(call.id.text, leaseMs: 20_000, inFlight: inFlight, nowMs: now)
                        let answer = try await RenewScript(
                            shard: Self.shard, id: call.id, leaseMs: 20_000, observed: Array("{}".utf8),
                            inFlight: inFlight, nowMs: now
                        ).run(on: gateway)
                        try #require(answer == expected, "seed \(seed), step \(step): renew")
                    }
                }
                try await Self.expectSame(model, redis, seed: seed)
                #expect(served.keys.contains { $0 > 0 }, "seed \(seed): some call was served by a cheaper model")
            }
        }
    }

    /// What Redis holds at the end, read by plain commands, is what the model holds.
    static func expectSame(_ model: ShardModel, _ redis: RedisConnection, seed: UInt64) async throws {
        let budgets = Set(model.reserved.keys).union(model.settled.keys)
        for key in budgets {
            let reply = try await redis.send(["HMGET", .string(key), "settled", "reserved", "ladder"])
            guard case .array(let values) = reply else { throw RedisError.protocolViolation("HMGET") }
            #expect(values[0].number == model.settled[key] ?? 0, "seed \(seed): settled of \(key)")
            #expect(values[1].number == model.reserved[key] ?? 0, "seed \(seed): reserved of \(key)")
            #expect((model.reserved[key] ?? 0) >= 0)
            #expect((values[2].number == 1) == model.ladders.contains(key), "seed \(seed): ladder of \(key)")
        }
        guard case .array(let entries) = try await redis.send(["XRANGE", .string(RedisKeys.usage(shard)), "-", "+"])
        else { throw RedisError.protocolViolation("XRANGE") }
        #expect(entries.count == model.events.count, "seed \(seed): one event per settlement")
        // Beside the reservations stand the budgets, and the mark that all of them do.
        #expect(
            try await redis.send(["HLEN", .string(RedisKeys.reservations(shard))])
                == .integer(model.live.count + model.ended.count + budgets.count + 1),
            "seed \(seed): live and ended reservations")
        // Every key of a subject expires.
        guard case .array(let keys) = try await redis.send(["KEYS", "weir:*"]) else { return }
        for case .bulk(let name) in keys {
            let key = String(buffer: name)
            if [RedisKeys.epoch(shard), RedisKeys.reservations(shard), RedisKeys.usage(shard)].contains(key) {
                continue
            }
            guard case .integer(let ttl) = try await redis.send(["PTTL", .string(key)]) else { continue }
            #expect(ttl > 0, "seed \(seed): \(key) has no expiry")
        }
    }
}

extension RedisValue {
    var number: Int {
        switch self {
        case .bulk(let buffer): Int(String(buffer: buffer)) ?? 0
        case .integer(let number): number
        default: 0
        }
    }
}
