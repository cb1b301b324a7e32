import Logging
import WeirLedger
import WeirRedis

/// Who evaluates and publishes: one aggregator at a time, by a lease in `weir:leader`. All of them ingest.
///
/// Each leader has a token of its own, greater than every earlier one: it is recorded in the ledger before it is used, so
/// that it grows even when Redis has lost everything, and is taken above what Redis has seen, so that it grows even when the
/// ledger was restored from a backup.
actor Leadership {
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let name: String
    private let duration: Duration
    private let logger: Logger
    private let lease = LeaderLease()
    /// While this one leads: its token, and what stands in `weir:leader`.
    private var mine: (token: Int, value: String)?

    init(redis: AggregatorRedis, ledger: any LedgerStore, name: String, lease: Duration, logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.name = name
        duration = lease
        self.logger = logger
    }

    /// Renews the lease, or takes it if nobody holds it. Nil: another one leads.
    func step() async throws(AggregatorError) -> Leader? {
        if let leader = try await renew() { return leader }
        guard try await redis.send(["EXISTS", .string(RedisKeys.leader)]) == .integer(0) else { return nil }
        let seen = try await redis.send(["GET", .string(RedisKeys.fence(of: RedisKeys.leader))]).words
        let nowMs = try await redis.nowMs()
        let token: Int
        do {
            token = try await ledger.nextLeaderToken(above: above(seen), name: name, atMs: nowMs)
        } catch { throw AggregatorError(error) }
        // Another step of this one may have taken it while the ledger was asked.
        if mine != nil { return try await renew() }
        do {
            let leader = try await hold(token: token, value: "\(name) \(token) \(nowMs / 1000)")
            if leader != nil { logger.notice("leading", metadata: ["token": "\(token)"]) }
            return leader
        } catch .fenced {
            // Another one took a later token meanwhile, and was quicker.
            return nil
        }
    }

    /// Holds the lease on, if this one leads: also while a step takes longer than a lease.
    func renew() async throws(AggregatorError) -> Leader? {
        guard let mine else { return nil }
        // Once it has let the lease run out, another one may have led in between, even if nobody does now.
        if lease.isHeld(token: mine.token) {
            do {
                if let leader = try await hold(token: mine.token, value: mine.value) { return leader }
            } catch .fenced {
                // Told by `lose`.
            }
        }
        lose(mine.token)
        return nil
    }

    /// Another one leads, or led, as a refused write has shown.
    func lose(_ token: Int) {
        guard mine?.token == token else { return }
        mine = nil
        lease.end()
        logger.warning("no longer the leader", metadata: ["token": "\(token)"])
    }

    private func hold(token: Int, value: String) async throws(AggregatorError) -> Leader? {
        // From before the question: Redis's lease ends later than this process believes, never earlier.
        let asked = ContinuousClock.now
        let reply = try await redis.run(
            ScriptCatalogue.lead, keys: [RedisKeys.leader, RedisKeys.fence(of: RedisKeys.leader)],
            arguments: [.int(token), .string(value), .int(Int(duration / .milliseconds(1)))])
        guard reply == .integer(1) else { return nil }
        mine = (token, value)
        lease.hold(token: token, until: asked + duration)
        return Leader(redis: redis, token: token, lease: lease)
    }

    /// The token that Redis has seen; what is no token counts as none.
    private func above(_ text: String?) -> Int {
        guard let text, text.utf8.count < 15, let token = Int(text), token > 0 else { return 0 }
        return token
    }

    /// Lets another one lead at once.
    func resign() async throws(AggregatorError) {
        guard let mine else { return }
        self.mine = nil
        lease.end()
        _ = try await redis.run(
            ScriptCatalogue.lead, keys: [RedisKeys.leader, RedisKeys.fence(of: RedisKeys.leader)],
            arguments: [.int(mine.token), .string(mine.value), 0])
    }
}
