import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Puts policy, API keys, overrides and added prices where nodes look for them. The ledger is the truth; Redis holds a
/// copy.
///
/// Beside the copy stands the ledger's revision that it was made of. A Redis that has lost everything, or has come back from
/// an old snapshot, has no or an old one, and gets all again: a revoked key never comes to life for longer than a step.
actor Publisher {
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let logger: Logger
    /// The revision that was published last, and by which token. A new leader publishes everything once: whatever an earlier
    /// one was about to write is fenced off by it.
    private var published: (revision: Int, token: Int)?

    init(redis: AggregatorRedis, ledger: any LedgerStore, logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.logger = logger
    }

    /// Publishes what differs. Repeating it changes nothing.
    func step(as leader: Leader) async throws(AggregatorError) {
        // The revision first: what changes while we publish is published again.
        let revision: Int
        let policy: PolicyVersion?
        let prices: String?
        do {
            revision = try await ledger.revision()
            policy = try await ledger.currentPolicy()
            prices = try await ledger.addedPrices().published()
        } catch { throw AggregatorError(error) }
        let standing = try await redis.send(["GET", .string(RedisKeys.policy)]).words
        let mark = try await redis.send(["GET", .string(RedisKeys.publishedRevision)]).words
        let standingPrices = try await redis.send(["GET", .string(RedisKeys.prices)]).words
        let isKnown = published.map { $0 == (revision, leader.token) } ?? false
        if isKnown, mark == String(revision), standing == policy?.json, standingPrices == prices { return }
        if published?.token != leader.token { try await leader.claim([RedisKeys.policy, RedisKeys.prices]) }
        try await publishKeys(as: leader)
        try await publishOverrides(as: leader)
        if let prices, standingPrices != prices {
            try await leader.write(["SET", .string(RedisKeys.prices), .string(prices)])
            logger.notice("prices published")
        }
        // The policy after the keys: who sees it finds them. The mark last: what is marked is complete.
        if let policy, standing != policy.json {
            try await leader.write(["SET", .string(RedisKeys.policy), .string(policy.json)])
            logger.notice("policy published", metadata: ["version": "\(policy.version)"])
        }
        try await leader.write(["SET", .string(RedisKeys.publishedRevision), .int(revision)])
        published = (revision, leader.token)
    }

    /// Those of the ledger are set, and those that were of the ledger and no longer are, are taken back. What an operator
    /// set by hand for anything else stays.
    private func publishOverrides(as leader: Leader) async throws(AggregatorError) {
        let nowMs = try await redis.nowMs()
        // Before the ledger is read: what is set meanwhile must not look as if it were gone.
        let own = try await redis.send(["SMEMBERS", .string(RedisKeys.overridesOfLedger)])
        let inForce: [Override]
        do {
            inForce = try await ledger.overrides().filter { $0.isInForce(atMs: nowMs) }
        } catch { throw AggregatorError(error) }
        let names = Set(inForce.map { OverrideName(limit: $0.limit, subject: $0.subject).text })
        var gone: [OverrideName] = []
        if case .array(let own) = own {
            gone = own.compactMap(\.words).filter { !names.contains($0) }.compactMap { OverrideName(text: $0) }
        }
        try await redis.forEach(gone) { (name) async throws(AggregatorError) in
            for command in name.withdraw { try await leader.write(command) }
        }
        try await redis.forEach(inForce) { (override) async throws(AggregatorError) in
            let name = OverrideName(limit: override.limit, subject: override.subject)
            for command in name.publish(amount: override.amount, untilMs: override.untilMs) {
                try await leader.write(command)
            }
        }
    }

    private func publishKeys(as leader: Leader) async throws(AggregatorError) {
        let keys: [LedgerKey]
        do { keys = try await ledger.keys(team: nil) } catch { throw AggregatorError(error) }
        try await redis.forEach(keys) { (key) async throws(AggregatorError) in
            // Nothing but the status of a record ever changes, so no old field can be left over.
            let fields = key.record.fields.flatMap { [RedisArgument.string($0.name), .string($0.value)] }
            try await leader.write(["HSET", .string(RedisKeys.apiKey(sha256: key.sha256))] + fields)
        }
    }
}
