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
        var floor: Figure
        var admit: Figure
        var settle: Figure
        /// Redis's CPU, against the floor: medians of the rounds' ratios.
        var admitRatio: Double
        var settleRatio: Double

        enum CodingKeys: String, CodingKey {
            case connections, pipeline, rounds, floor, admit, settle
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
        let calls = Calls(nowMs: nowMs)
        let one = RedisScript(name: "one", body: "return 1")

        var floors: [Figure] = []
        var admits: [Figure] = []
        var settles: [Figure] = []
        // The first round warms up and is thrown away.
        for round in 0...rounds {
            // As the aggregator opens a shard.
            _ = try await pool.send([
                "HSET", .string(RedisKeys.reservations(Self.shard)), .string(RedisKeys.readyField), "bench",
            ])
            let ids = calls.ids(count: operations)
            let floor = try await measure(pool, group) { connection, _ in
                _ = try await connection.run(one, keys: [], arguments: [])
            }
            // In pieces, so that as many are live as in a busy gateway, not all of them.
            var admit = Figure(rate: 0, redisMicros: 0)
            var settle = admit
            let piece = 500
            for start in stride(from: 0, to: operations, by: piece) {
                let count = min(piece, operations - start)
                let share = Double(count) / Double(operations)
                let admitted = try await measure(pool, group, count: count) { connection, index in
                    guard case .admitted = try await calls.admit(ids[start + index]).run(on: connection) else {
                        throw BenchError(description: "a call was not admitted")
                    }
                }
                let settled = try await measure(pool, group, count: count) { connection, index in
                    guard try await calls.settle(ids[start + index]).run(on: connection) == .ended(skipped: 0) else {
                        throw BenchError(description: "a call was not settled")
                    }
                }
                admit.redisMicros += admitted.redisMicros * share
                settle.redisMicros += settled.redisMicros * share
                admit.rate += share / admitted.rate
                settle.rate += share / settled.rate
            }
            (admit.rate, settle.rate) = (1 / admit.rate, 1 / settle.rate)
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
            connections: connections, pipeline: pipeline, rounds: rounds, floor: .median(floors),
            admit: .median(admits), settle: .median(settles),
            admitRatio: zip(admits, floors).map { $0.redisMicros / $1.redisMicros }.median,
            settleRatio: zip(settles, floors).map { $0.redisMicros / $1.redisMicros }.median)
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

    /// The calls that are measured: one user under three limits.
    private struct Calls: Sendable {
        let counters: [(CounterKey, Limit.Unit)]
        let record: [UInt8]
        let event: [UInt8]

        init(nowMs: Int) {
            func counter(_ limit: String, _ counter: Counter) -> CounterKey {
                CounterKey(shard: shard, limit: limit, subject: "user:acme/alice", counter: counter, atMs: nowMs)
            }
            counters = [
                (counter("ai-calls", .ring(windowMs: 60_000)), .requests),
                (counter("day-tokens", .budget(.day)), .tokens), (counter("spend", .budget(.month)), .usd),
            ]
            let event = UsageEvent(
                id: "01KAZ3V8Q00000000000000000", calledAtMs: nowMs, team: "acme", user: "alice", key: "wk_4mQ81tZx",
                request: "01KAZ3V8Q00000000000000000", product: "default", billable: true, callClass: "ai",
                endpoint: "messages", provider: "anthropic", requestedModel: "claude-sonnet-4",
                model: "claude-sonnet-4", tokens: TokenUsage(input: 1200, output: 300), cost: MicroUSD(micros: 8100),
                priceVersion: "2026-11-01", latencyMs: 900, status: 200
            ).json()
            self.event = event
            record = CallRecord.json(holds: counters.map(\.0), units: counters.map(\.1), event: event)
        }

        func ids(count: Int) -> [ReservationID] {
            var generator = SystemRandomNumberGenerator()
            let bornMs = Self.nowMs
            return (0..<count).map { _ in ReservationID(birthMs: bornMs, using: &generator) }
        }

        /// As a node would: the script refuses what is two seconds off.
        private static var nowMs: Int { Int(Date().timeIntervalSince1970 * 1000) }

        func admit(_ id: ReservationID) -> AdmitScript {
            let costs = [1, 2000, 12_000]
            return AdmitScript(
                shard: shard, id: id, namedAtMs: Self.nowMs, leaseMs: 30_000, call: record,
                limits: zip(counters, costs).map { .init(counter: $0.0, cost: $1, amount: 1 << 50) })
        }

        func settle(_ id: ReservationID) -> EndScript {
            EndScript(
                .settle, shard: shard, id: id, event: event,
                counters: zip(counters, [1, 1500, 8100]).map { (counter: $0.0, units: $1) })
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
