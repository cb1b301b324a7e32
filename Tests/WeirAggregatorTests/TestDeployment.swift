import Logging
import NIOPosix
import Synchronization
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

/// 2026-11-21T12:00:00Z, and the ends of its day and month in unix seconds.
let noonMs = 1_795_262_400_000
let dayEndS = 1_795_305_600
let monthEndS = 1_796_083_200

/// A private Redis, an empty ledger, and aggregators over them.
struct TestDeployment: Sendable {
    let server: RedisServer
    /// What aggregators have.
    let pool: RedisPool
    /// For what a test does itself.
    let redis: RedisPool
    let ledger: any LedgerStore

    nonisolated(nonsending) static func run<Result>(
        arguments: [String] = [], _ body: (TestDeployment) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryDirectory { directory in
            try await withRedis(arguments) { server in
                try await withPool(server.url(as: .aggregator)) { pool in
                    try await withPool(server.url) { redis in
                        let ledger = try LedgerURL("sqlite:\(directory)/weir.db").open()
                        let result = try await body(
                            TestDeployment(server: server, pool: pool, redis: redis, ledger: ledger))
                        try await ledger.close()
                        return result
                    }
                }
            }
        }
    }

    nonisolated(nonsending) private static func withPool<Result>(
        _ url: String, _ body: (RedisPool) async throws -> Result
    ) async throws -> Result {
        var configuration = try RedisConfiguration(url: url)
        configuration.commandDeadline = .seconds(10)
        configuration.connectTimeout = .seconds(10)
        let pool = RedisPool(
            configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, logger: .silent)
        pool.start()
        do {
            try await pool.waitUntilReady(timeout: .seconds(20))
            let result = try await body(pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }

    /// Starts Redis again, and waits until everybody has found it.
    func restartRedis() async throws {
        try await server.restart()
        for pool in [pool, redis] { try await pool.waitUntilReady(timeout: .seconds(20)) }
    }

    /// - Parameter clock: the time it believes; nil: Redis's.
    func aggregator(
        _ name: String = "one", ledger: (any LedgerStore)? = nil, clock: MovableClock? = MovableClock(noonMs),
        adjust: (inout AggregatorConfiguration) -> Void = { _ in }
    ) -> Aggregator {
        var configuration = AggregatorConfiguration(name: name)
        configuration.redisDeadline = .seconds(10)
        // Tests say themselves when entries are claimed.
        configuration.claimAfter = .seconds(3600)
        configuration.claimEvery = .zero
        // Steps are called one by one here, and nobody renews in between.
        configuration.leaderLease = .seconds(600)
        configuration.announceGrace = .zero
        configuration.recordEvery = .zero
        if let clock { configuration.nowMs = { clock.nowMs } }
        adjust(&configuration)
        return Aggregator(configuration: configuration, pool: pool, ledger: ledger ?? self.ledger, logger: .silent)
    }

    @discardableResult
    func send(_ command: RedisArgument...) async throws -> RedisValue { try await redis.send(command) }

    /// Every key with its value and its end.
    func everything() async throws -> [String: String] {
        let script = """
            local all = {}
            for _, key in ipairs(redis.call('KEYS', '*')) do
                all[#all + 1] = key
                all[#all + 1] = redis.sha1hex(redis.call('DUMP', key)) .. redis.call('PEXPIRETIME', key)
            end
            return all
            """
        guard case .array(let parts) = try await send("EVAL", .string(script), 0) else { return [:] }
        return RedisValue.dictionary(parts)
    }

    /// Writes an event as a node would, into the shard of its team.
    func produce(_ events: UsageEvent...) async throws { try await produce(events) }

    func produce(_ events: [UsageEvent]) async throws {
        for event in events { try await produce(json: event.json(), team: event.team) }
    }

    func produce(json: [UInt8], team: String = "acme") async throws {
        try await send("XADD", .string(RedisKeys.usage(Shard(of: team))), "*", "event", .bytes(json))
    }

    /// Entries in a team's stream that are still there, and those delivered and not acknowledged.
    func streamLength(team: String = "acme") async throws -> Int {
        guard case .integer(let count) = try await send("XLEN", .string(RedisKeys.usage(Shard(of: team)))) else {
            return -1
        }
        return count
    }

    func pendingCount(team: String = "acme") async throws -> Int {
        guard case .array(let parts) = try await send("XPENDING", .string(RedisKeys.usage(Shard(of: team))), "ledger"),
            case .integer(let count) = parts[0]
        else { return -1 }
        return count
    }

    func score(_ team: String, resource: String = "ai_credits") async throws -> String? {
        try await send("ZSCORE", .string(RedisKeys.limitedSet(resource: resource)), .string(team)).words
    }

    var killSwitch: KillSwitch.Entry? {
        get async throws {
            try await send("HGET", .string(RedisKeys.killSwitch), "global").words.map { KillSwitch.Entry(value: $0) }
        }
    }

    var spent: Int {
        get async throws {
            let days = DayRange(first: UTCDay(number: 0), last: UTCDay(number: 100_000))
            return try await ledger.spend(by: .everybody, in: days, of: .all).first?.totals.cost.micros ?? 0
        }
    }

    /// Applies a policy with one monthly ledger limit on `ai_credits`, a user's day budget, and a cost guard.
    func apply(credits: Int = 1_000, warn: Int? = nil, kill: Int? = nil) async throws {
        _ = try await ledger.appendPolicy(
            testPolicy(credits: credits, warn: warn, kill: kill), yaml: "", note: "", audit: testAudit)
    }
}

/// A clock that tests move.
final class MovableClock: Sendable {
    private let ms: Mutex<Int>
    init(_ ms: Int) { self.ms = Mutex(ms) }
    var nowMs: Int { ms.withLock { $0 } }
    func set(_ newMs: Int) { ms.withLock { $0 = newMs } }
}

let testAudit = AuditEntry(atMs: noonMs, actor: "tester", action: "test", subject: "x")

func testPolicy(credits: Int = 1_000, warn: Int? = nil, kill: Int? = nil) -> Policy {
    Policy(
        products: [
            "slack_app": .init(callClass: "ai", billable: true, resource: "ai_credits"),
            "search": .init(callClass: "lookup", billable: false),
        ],
        classes: ["ai": .init(killSwitch: true), "lookup": .init(killSwitch: false)],
        limits: [
            Limit(
                id: "ai_credits", per: .team, unit: .usd, span: .period(.month),
                match: Limit.Match(resource: "ai_credits"), amount: credits, enforce: .ledger),
            Limit(
                id: "day-tokens", per: .user, unit: .tokens, span: .period(.day),
                match: Limit.Match(classes: ["ai"]), amount: 200_000),
            Limit(id: "team-spend", per: .team, unit: .usd, span: .period(.month), amount: 9_000_000),
        ],
        costGuard: .init(
            warn: warn.map { MicroUSD(micros: $0) }, kill: kill.map { MicroUSD(micros: $0) }, period: .day))
}

func event(
    _ id: String, team: String = "acme", user: String? = "alice", product: String = "slack_app", cost: Int = 1,
    input: Int = 10, outcome: UsageEvent.Outcome = .completed, atMs: Int = noonMs
) -> UsageEvent {
    UsageEvent(
        id: id, calledAtMs: atMs, team: team, user: user, product: product, billable: true, callClass: "ai",
        endpoint: "messages", provider: "anthropic", requestedModel: "m", model: "m",
        tokens: TokenUsage(input: input), cost: MicroUSD(micros: cost), priceVersion: "1", status: 200,
        outcome: outcome)
}
