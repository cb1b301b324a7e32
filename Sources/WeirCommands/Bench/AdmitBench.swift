import Foundation
import Logging
import NIOCore
import NIOPosix
import WeirCore
import WeirRedis

/// Measures the scripts through the real client, in turn with the floor, on one Redis.
struct AdmitBench: Sendable {
    let connections: Int
    let pipeline: Int
    let operations: Int
    let rounds: Int
    /// Users whose calls they are, in turn. All of them have counters before it is measured.
    var subjects = 1

    /// One kind of operation: medians over the rounds.
    struct Figure: Sendable, Codable {
        /// Operations per second through the client.
        var rate: Double
        /// Microseconds of Redis's CPU per operation.
        var redisMicros: Double

        enum CodingKeys: String, CodingKey { case rate = "per_second", redisMicros = "redis_cpu_us" }
    }

    struct Report: Sendable, Codable {
        var connections: Int
        var pipeline: Int
        var rounds: Int
        var subjects: Int
        var floor: Figure
        var admit: Figure
        var settle: Figure
        /// Redis's CPU, against the floor: medians of the rounds' ratios.
        var admitRatio: Double
        var settleRatio: Double

        enum CodingKeys: String, CodingKey {
            case connections, pipeline, rounds, subjects, floor, admit, settle
            case admitRatio = "admit_ratio"
            case settleRatio = "settle_ratio"
        }
    }

    private static let shard = Shard(number: 0)

    func run(redisURL: String) async throws -> Report {
        var configuration = try RedisConfiguration(url: redisURL)
        configuration.commandDeadline = .seconds(30)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: connections)
        let pool = RedisPool(configuration: configuration, group: group, logger: Logger(label: "weir.bench"))
        pool.start()
        try await pool.waitUntilReady(timeout: .seconds(10))
        _ = try await pool.send(["SET", .string(RedisKeys.epoch(Self.shard)), "bench"])
        let nowMs = Int(Date().timeIntervalSince1970 * 1000)
        let calls = Calls(nowMs: nowMs, subjects: subjects)
        let one = RedisScript(name: "one", body: "return 1")

        var floors: [Figure] = []
        var admits: [Figure] = []
        var settles: [Figure] = []
        // The first round warms up and is thrown away.
        if subjects > 1 { try await fill(pool, group, calls) }
        for round in 0...rounds {
            try await open(pool)
            let made = calls.make(operations, from: round * operations)
            let floor = try await measure(pool, group) { connection, _ in
                _ = try await connection.run(one, keys: [], arguments: [])
            }
            let (admit, settle) = try await decide(pool, group, made)
            _ = try await pool.send([
                "DEL", .string(RedisKeys.usage(Self.shard)), .string(RedisKeys.reservations(Self.shard)),
            ])
            if round == 0 { continue }
            floors.append(floor)
            admits.append(admit)
            settles.append(settle)
        }
        await pool.close()
        try await group.shutdownGracefully()
        return Report(
            connections: connections, pipeline: pipeline, rounds: rounds, subjects: subjects, floor: .median(floors),
            admit: .median(admits), settle: .median(settles),
            admitRatio: zip(admits, floors).map { $0.redisMicros / $1.redisMicros }.median,
            settleRatio: zip(settles, floors).map { $0.redisMicros / $1.redisMicros }.median)
    }

    /// As the aggregator opens a shard.
    private func open(_ pool: RedisPool) async throws {
        _ = try await pool.send([
            "HSET", .string(RedisKeys.reservations(Self.shard)), .string(RedisKeys.readyField), "bench",
        ])
    }

    /// Gives every subject its counters, by calls that are admitted and settled.
    private func fill(_ pool: RedisPool, _ group: MultiThreadedEventLoopGroup, _ calls: Calls) async throws {
        let progress = Progress("making counters", unit: "subjects", total: subjects)
        try await progress.during {
            for start in stride(from: 0, to: subjects, by: operations) {
                try await open(pool)
                let made = calls.make(min(operations, subjects - start), from: start)
                _ = try await decide(pool, group, made)
                _ = try await pool.send([
                    "DEL", .string(RedisKeys.usage(Self.shard)), .string(RedisKeys.reservations(Self.shard)),
                ])
                progress.advance(by: made.count)
            }
        }
    }

    private func decide(
        _ pool: RedisPool, _ group: MultiThreadedEventLoopGroup, _ calls: [Calls.Made]
    ) async throws -> (admit: Figure, settle: Figure) {
        // In pieces, so that as many are live as in a busy gateway, not all of them.
        var admit = Figure(rate: 0, redisMicros: 0)
        var settle = admit
        let piece = 500
        for start in stride(from: 0, to: calls.count, by: piece) {
            let count = min(piece, calls.count - start)
            let share = Double(count) / Double(calls.count)
            let admitted = try await measure(pool, group, count: count) { connection, index in
                guard case .admitted = try await calls[start + index].admit.run(on: connection) else {
                    throw BenchError(description: "a call was not admitted")
                }
            }
            let settled = try await measure(pool, group, count: count) { connection, index in
                guard try await calls[start + index].settle.run(on: connection) == .ended(skipped: 0) else {
                    throw BenchError(description: "a call was not settled")
                }
            }
            admit.redisMicros += admitted.redisMicros * share
            settle.redisMicros += settled.redisMicros * share
            admit.rate += share / admitted.rate
            settle.rate += share / settled.rate
        }
        return (
            Figure(rate: 1 / admit.rate, redisMicros: admit.redisMicros),
            Figure(rate: 1 / settle.rate, redisMicros: settle.redisMicros)
        )
    }

    /// Runs `body` for indices 0 to `count`, `pipeline` at once on each connection, on the connections' own loops.
    private func measure(
        _ pool: RedisPool, _ group: MultiThreadedEventLoopGroup, count: Int? = nil,
        _ body: @escaping @Sendable (RedisConnection, Int) async throws -> Void
    ) async throws -> Figure {
        let count = count ?? operations
        let lanes = connections * pipeline
        let cpuBefore = try await ProcessUse.redisCPUSeconds(pool)
        let start = ContinuousClock.now
        try await withThrowingTaskGroup { tasks in
            for (number, loop) in group.makeIterator().enumerated() {
                let executor = EventLoopTaskExecutor(loop)
                let connection = pool.connection(for: loop)
                for lane in 0..<pipeline {
                    tasks.addTask(executorPreference: executor) {
                        for index in stride(from: number * pipeline + lane, to: count, by: lanes) {
                            try await body(connection, index)
                        }
                        // The executor must outlive the task.
                        withExtendedLifetime(executor) {}
                    }
                }
            }
            try await tasks.waitForAll()
        }
        let seconds = start.duration(to: .now) / .seconds(1)
        let cpu = try await ProcessUse.redisCPUSeconds(pool) - cpuBefore
        return Figure(rate: Double(count) / seconds, redisMicros: cpu * 1_000_000 / Double(count))
    }

    /// The calls that are measured: of users under three limits.
    private struct Calls: Sendable {
        let nowMs: Int
        let subjects: Int
        let event: [UInt8]

        init(nowMs: Int, subjects: Int) {
            (self.nowMs, self.subjects) = (nowMs, subjects)
            event = UsageEvent(
                id: "01KAZ3V8Q00000000000000000", calledAtMs: nowMs, team: "acme", user: "alice", key: "wk_4mQ81tZx",
                request: "01KAZ3V8Q00000000000000000", product: "default", billable: true, callClass: "ai",
                endpoint: "messages", provider: "anthropic", requestedModel: "claude-sonnet-4",
                model: "claude-sonnet-4", tokens: TokenUsage(input: 1200, output: 300), cost: MicroUSD(micros: 8100),
                priceVersion: "2026-11-01", latencyMs: 900, status: 200
            ).json()
        }

        /// Of the user whose turn it is at this call.
        private func counters(ofCall number: Int) -> [(key: CounterKey, unit: Limit.Unit)] {
            let user = subjects == 1 ? "user:acme/alice" : "user:acme/u\(number % subjects)"
            func counter(_ limit: String, _ counter: Counter) -> CounterKey {
                CounterKey(shard: shard, limit: limit, subject: user, counter: counter, atMs: nowMs)
            }
            return [
                (counter("ai-calls", .ring(windowMs: 60_000)), .requests),
                (counter("day-tokens", .budget(.day)), .tokens), (counter("spend", .budget(.month)), .usd),
            ]
        }

        /// So many calls, whose ids are as old as a node's would be.
        func make(_ count: Int, from first: Int) -> [Made] {
            var generator = SystemRandomNumberGenerator()
            let bornMs = Made.nowMs
            return (first..<first + count).map { number in
                let counters = counters(ofCall: number)
                return Made(
                    id: ReservationID(birthMs: bornMs, using: &generator), counters: counters.map(\.key),
                    record: CallRecord.json(holds: counters.map(\.key), units: counters.map(\.unit), event: event),
                    event: event)
            }
        }

        struct Made: Sendable {
            let id: ReservationID
            let counters: [CounterKey]
            let record: [UInt8]
            let event: [UInt8]

            /// As a node would: the script refuses what is two seconds off.
            static var nowMs: Int { Int(Date().timeIntervalSince1970 * 1000) }

            var admit: AdmitScript {
                AdmitScript(
                    shard: shard, id: id, namedAtMs: Self.nowMs, leaseMs: 30_000, call: record,
                    limits: zip(counters, [1, 2000, 12_000]).map { .init(counter: $0, cost: $1, amount: 1 << 50) })
            }

            var settle: EndScript {
                EndScript(
                    .settle, shard: shard, id: id, event: event,
                    counters: zip(counters, [1, 1500, 8100]).map { (counter: $0, units: $1) })
            }
        }
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
}

extension AdmitBench.Figure {
    static func median(_ figures: [Self]) -> Self {
        Self(rate: figures.map(\.rate).median, redisMicros: figures.map(\.redisMicros).median)
    }
}

extension [Double] {
    /// The middle one; of an even number the upper of the two. 0 if there is none.
    var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}
