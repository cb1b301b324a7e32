import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Puts policy and API keys where nodes look for them. The ledger is the truth; Redis holds a copy.
actor Publisher {
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let logger: Logger
    /// The ledger's revision that was published last; nil: unknown, so everything is published.
    private var published: Int?

    init(redis: AggregatorRedis, ledger: any LedgerStore, logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.logger = logger
    }

    /// Publishes what changed since the last time, and everything if Redis has lost its policy. Repeating it changes nothing.
    func step() async throws(AggregatorError) {
        // The revision first: what changes while we publish is published again.
        let revision: Int
        let policy: PolicyVersion?
        do {
            revision = try await ledger.revision()
            policy = try await ledger.currentPolicy()
        } catch { throw error == .cancelled ? .cancelled : .ledger(error) }
        let standing = try await redis.send(["GET", .string(RedisKeys.policy)]).words
        guard revision != published || standing != policy?.json else { return }
        try await publishKeys()
        // The policy last: who sees it finds the keys.
        if let policy, standing != policy.json {
            _ = try await redis.send(["SET", .string(RedisKeys.policy), .string(policy.json)])
            logger.notice("policy published", metadata: ["version": "\(policy.version)"])
        }
        published = revision
    }

    private func publishKeys() async throws(AggregatorError) {
        let keys: [LedgerKey]
        do { keys = try await ledger.keys(team: nil) } catch { throw error == .cancelled ? .cancelled : .ledger(error) }
        // A few hundred on their way at once: enough to be quick, too few to hold up anybody.
        for start in stride(from: 0, to: keys.count, by: 256) {
            let piece = keys[start..<min(start + 256, keys.count)]
            let failure = await withTaskGroup(of: AggregatorError?.self) { [redis] group in
                for key in piece {
                    group.addTask {
                        // Nothing but the status of a record ever changes, so no old field can be left over.
                        let fields = key.record.fields.flatMap {
                            [RedisArgument.string($0.name), .string($0.value)]
                        }
                        do throws(AggregatorError) {
                            _ = try await redis.send(["HSET", .string(RedisKeys.apiKey(sha256: key.sha256))] + fields)
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                var failure: AggregatorError?
                for await answer in group { failure = failure ?? answer }
                return failure
            }
            if let failure { throw failure }
        }
    }
}
