import Foundation
import Logging
import NIOPosix
import WeirAggregator
import WeirCore
import WeirLedger
import WeirRedis

/// Measures how long an empty Redis is not ready beside a full ledger.
struct RebuildBench: Sendable {
    let events: Int
    let teams: Int
    let users: Int

    struct Report: Sendable, Codable {
        var events: Int
        var teams: Int
        var users: Int
        /// Budgets that Redis holds afterwards.
        var budgets: Int
        /// From the first look at the empty Redis until the last shard is ready, the grace for announcements (`grace_ms`)
        /// included.
        var rebuildMs: Int
        var graceMs: Int

        enum CodingKeys: String, CodingKey {
            case events, teams, users, budgets
            case rebuildMs = "rebuild_ms"
            case graceMs = "grace_ms"
        }

        var text: String {
            """
            \(events) events of \(users) users in \(teams) teams in the ledger, Redis empty:
            all shards ready after \(rebuildMs) ms, with \(budgets) budgets; \(graceMs) ms of it wait for live calls to be \
            announced
            """
        }

        func json() throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// - Parameter ledgerPath: of a ledger that is made.
    func run(redisURL: String, ledgerPath: String) async throws -> Report {
        let ledger = try LedgerURL("sqlite:\(ledgerPath)").open()
        var redis = try RedisConfiguration(url: redisURL)
        redis.commandDeadline = .seconds(30)
        let pool = RedisPool(
            configuration: redis, group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "weir.bench"))
        pool.start()
        do {
            try await pool.waitUntilReady(timeout: .seconds(10))
            let report = try await measure(ledger, pool)
            await pool.close()
            try await ledger.close()
            return report
        } catch {
            await pool.close()
            throw error
        }
    }

    private func measure(_ ledger: any LedgerStore, _ pool: RedisPool) async throws -> Report {
        let nowMs = Int(Date().timeIntervalSince1970 * 1000)
        let filling = Progress("filling the ledger", unit: "events", total: events)
        try await filling.during { try await fill(ledger, nowMs: nowMs, filling) }
        var configuration = AggregatorConfiguration(name: "bench")
        // Its steps are called one by one here, and nobody renews the lease beside them.
        configuration.leaderLease = .seconds(3600)
        let aggregator = Aggregator(
            configuration: configuration, pool: pool, ledger: ledger, logger: Logger(label: "weir.bench"))
        // Born once, so that what follows is a rebuild and waits for announcements.
        try await untilReady(aggregator, pool)
        _ = try await pool.send(["FLUSHALL"], deadline: .seconds(60))
        let start = ContinuousClock.now
        let rebuilding = Progress("rebuilding", unit: "shards", total: Shard.defaultCount)
        try await rebuilding.during { try await untilReady(aggregator, pool, rebuilding) }
        let taken = start.duration(to: .now)
        // In this ledger every user and every team has spent.
        let budgets = try await budgets(pool)
        return Report(
            events: events, teams: teams, users: users, budgets: budgets, rebuildMs: Int(taken / .milliseconds(1)),
            graceMs: Int(configuration.announceGrace / .milliseconds(1)))
    }

    private func budgets(_ pool: RedisPool) async throws -> Int {
        let count = RedisScript(name: "count", body: "return #redis.call('KEYS', 'weir:*:budget:*')")
        guard case .integer(let keys) = try await pool.run(count, keys: [], arguments: []) else { return 0 }
        return keys
    }

    private func untilReady(_ aggregator: Aggregator, _ pool: RedisPool, _ progress: Progress? = nil) async throws {
        while true {
            _ = try await aggregator.ingest()
            _ = try await aggregator.lead()
            var ready = 0
            for shard in Shard.all(count: Shard.defaultCount) {
                if try await pool.send(["EXISTS", .string(RedisKeys.epoch(shard))]) == .integer(1) { ready += 1 }
            }
            if ready == Shard.defaultCount { return }
            progress?.advance(to: ready)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func fill(_ ledger: any LedgerStore, nowMs: Int, _ progress: Progress) async throws {
        let policy = Policy(
            products: ["default": .init(callClass: "ai", billable: true, resource: "ai_credits")],
            classes: ["ai": .init(killSwitch: true)],
            limits: [
                Limit(id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 50_000_000),
                Limit(id: "team-spend", per: .team, unit: .usd, span: .period(.month), amount: 500_000_000),
                Limit(
                    id: "credits", per: .team, unit: .usd, span: .period(.month),
                    match: Limit.Match(resource: "ai_credits"), amount: 500_000_000, enforce: .ledger),
            ])
        _ = try await ledger.appendPolicy(
            policy, yaml: "", note: "bench",
            audit: AuditEntry(atMs: nowMs, actor: "bench", action: "policy.apply", subject: "policy"))
        for start in stride(from: 0, to: events, by: 5_000) {
            let batch = (start..<min(start + 5_000, events)).map { number in
                let user = number % users
                return UsageEvent(
                    id: "bench-\(number)", calledAtMs: nowMs, team: "t\(user % teams)", user: "u\(user)",
                    product: "default", billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic",
                    requestedModel: "m", model: "m", tokens: TokenUsage(input: 100, output: 20),
                    cost: MicroUSD(micros: 1 + number % 997), priceVersion: "1", status: 200)
            }
            _ = try await ledger.ingest(batch, deadLetters: [])
            progress.advance(by: batch.count)
        }
    }
}
