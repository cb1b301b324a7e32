import Foundation
import Glibc
import Logging
import NIOPosix
import WeirAggregator
import WeirCore
import WeirLedger
import WeirRedis

/// Measures the way of events from Redis into the ledger, in turn with plain inserts of the same events.
struct IngestBench: Sendable {
    /// Of each round.
    let events: Int
    let teams: Int
    let users: Int
    let rounds: Int

    /// One way: medians over the rounds.
    struct Figure: Sendable, Codable {
        var rate: Double
        /// Microseconds of CPU of this process per event.
        var micros: Double

        enum CodingKeys: String, CodingKey { case rate = "per_second", micros = "cpu_us" }
    }

    struct Report: Sendable, Codable {
        var events: Int
        var teams: Int
        var users: Int
        var rounds: Int
        /// Events of one transaction, on average.
        var batch: Int
        var ingest: Figure
        /// Microseconds of Redis's CPU per event.
        var redisMicros: Double
        var plain: Figure
        /// The ingest's rate against the plain inserts': median of the rounds' ratios.
        var ratio: Double

        enum CodingKeys: String, CodingKey {
            case events, teams, users, rounds, batch, ingest, plain, ratio
            case redisMicros = "redis_cpu_us"
        }
    }

    /// - Parameter directory: of files that are made.
    func run(redisURL: String, directory: String) async throws -> Report {
        let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
        let plain = try PlainEventTable(path: directory + "/plain.db")
        var configuration = try RedisConfiguration(url: redisURL)
        configuration.commandDeadline = .seconds(30)
        let pool = RedisPool(
            configuration: configuration, group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "weir.bench"))
        pool.start()
        do {
            try await pool.waitUntilReady(timeout: .seconds(10))
            let report = try await measure(ledger, plain, pool)
            await pool.close()
            try await ledger.close()
            try plain.close()
            return report
        } catch {
            await pool.close()
            throw error
        }
    }

    private func measure(_ ledger: any LedgerStore, _ plain: PlainEventTable, _ pool: RedisPool) async throws -> Report
    {
        let aggregator = Aggregator(
            configuration: AggregatorConfiguration(name: "bench"), pool: pool, ledger: ledger,
            logger: Logger(label: "weir.bench"))
        var (ingests, plains, redis): ([Figure], [Figure], [Double]) = ([], [], [])
        var batch = 0
        let progress = Progress("measuring", unit: "rounds", total: rounds + 1)
        // The first round warms up and is thrown away.
        for round in 0...rounds {
            let events = Traffic(teams: teams, users: users).events(count: events)
            try await fill(pool, events)
            let redisBefore = try await ProcessUse.redisCPUSeconds(pool)
            var (inserted, batches) = (0, 0)
            let ingest = try await timed {
                while inserted < events.count {
                    let report = try await aggregator.ingest()
                    guard report.ledger.inserted == report.entries, report.entries > 0 else {
                        throw BenchError(description: "events were lost, or came twice")
                    }
                    inserted += report.ledger.inserted
                    batches += 1
                }
            }
            redis.append((try await ProcessUse.redisCPUSeconds(pool) - redisBefore) * 1_000_000 / Double(events.count))
            ingests.append(ingest)
            batch = events.count / batches
            plains.append(
                try await timed {
                    for start in stride(from: 0, to: events.count, by: batch) {
                        try await plain.insert(events[start..<min(start + batch, events.count)])
                    }
                })
            guard try await plain.count() == (round + 1) * events.count else {
                throw BenchError(description: "the plain table does not have each event")
            }
            progress.advance(by: 1)
        }
        return Report(
            events: events, teams: teams, users: users, rounds: rounds, batch: batch,
            ingest: .median(ingests.dropFirst()), redisMicros: Array(redis.dropFirst()).median,
            plain: .median(plains.dropFirst()),
            ratio: zip(ingests, plains).dropFirst().map { $0.rate / $1.rate }.median)
    }

    private func timed(_ body: () async throws -> Void) async throws -> Figure {
        let cpuBefore = try ProcessUse.cpuSeconds(pid: getpid())
        let start = ContinuousClock.now
        try await body()
        let seconds = start.duration(to: .now) / .seconds(1)
        let cpu = try ProcessUse.cpuSeconds(pid: getpid()) - cpuBefore
        return Figure(rate: Double(events) / seconds, micros: cpu * 1_000_000 / Double(events))
    }

    /// As settlements leave them: each in the stream of its team's shard.
    private func fill(_ pool: RedisPool, _ events: [UsageEvent]) async throws {
        let lanes = 64
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    for index in stride(from: lane, to: events.count, by: lanes) {
                        let stream = RedisKeys.usage(Shard(of: events[index].team))
                        _ = try await pool.send(
                            ["XADD", .string(stream), "*", "event", .bytes(events[index].json())])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Calls as a gateway settles them.
    private struct Traffic {
        let teams: Int
        let users: Int

        private static let models = ["claude-haiku-4", "claude-sonnet-4", "gpt-5-mini"]

        /// A thousand calls each millisecond, by users chosen at random.
        func events(count: Int) -> [UsageEvent] {
            var generator = SystemRandomNumberGenerator()
            let nowMs = Int(Date().timeIntervalSince1970 * 1000)
            return (0..<count).map { number in
                let user = Int.random(in: 0..<users, using: &generator)
                let id = ReservationID(birthMs: nowMs + number / 1000, using: &generator).text
                let model = Self.models[user % Self.models.count]
                return UsageEvent(
                    id: id, calledAtMs: nowMs + number / 1000, team: "team-\(user % teams)", user: "user-\(user)",
                    key: "wk_4mQ81tZx", request: id, product: "default", billable: true, callClass: "ai",
                    endpoint: "messages", provider: user % 3 == 2 ? "openai" : "anthropic", requestedModel: model,
                    model: model, tokens: TokenUsage(input: 1200, output: 300),
                    cost: MicroUSD(micros: 8000 + number % 997), priceVersion: "2026-11-01", latencyMs: 900, status: 200
                )
            }
        }
    }
}

extension IngestBench.Figure {
    static func median(_ figures: some Sequence<Self>) -> Self {
        Self(rate: figures.map(\.rate).median, micros: figures.map(\.micros).median)
    }
}
