import Logging
import WeirRedis

/// Who evaluates and publishes: one aggregator at a time, by a lease in `weir:leader`. All of them ingest.
///
/// A leader that was paused beyond its lease may act once more before it notices; what it does is idempotent and a function
/// of the same ledger, so its successor does the same. The token in the value grows with every leader.
actor Leadership {
    private let redis: AggregatorRedis
    private let name: String
    private let lease: Duration
    private let logger: Logger
    /// What stands in `weir:leader` while this one leads.
    private var mine: String?

    init(redis: AggregatorRedis, name: String, lease: Duration, logger: Logger) {
        self.redis = redis
        self.name = name
        self.lease = lease
        self.logger = logger
    }

    /// Renews the lease, or takes it if nobody holds it. True while this one leads.
    func step() async throws(AggregatorError) -> Bool {
        let leaseMs = Int(lease / .milliseconds(1))
        if let mine {
            let reply = try await redis.run(
                ScriptCatalogue.lead, keys: [RedisKeys.leader], arguments: [.string(mine), .int(leaseMs)])
            if reply == .integer(1) { return true }
            self.mine = nil
            logger.warning("no longer the leader")
        }
        guard try await redis.send(["EXISTS", .string(RedisKeys.leader)]) == .integer(0) else { return false }
        guard let token = try await redis.send(["INCR", .string(AggregatorKeys.leaderToken)]).words else {
            return false
        }
        let value = "\(name) \(token)"
        let reply = try await redis.send([
            "SET", .string(RedisKeys.leader), .string(value), "NX", "PX", .int(leaseMs),
        ])
        guard reply == .status("OK") else { return false }
        mine = value
        logger.notice("leading", metadata: ["token": "\(token)"])
        return true
    }

    /// Lets another one lead at once.
    func resign() async throws(AggregatorError) {
        guard let mine else { return }
        self.mine = nil
        _ = try await redis.run(ScriptCatalogue.lead, keys: [RedisKeys.leader], arguments: [.string(mine), 0])
    }
}
