import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Carries the nodes' counts of denials into the ledger. Counts are totals of a node and day, so reading them again, or
/// by two aggregators at once, changes nothing.
actor DenialCollector {
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let shards: [Shard]
    private let logger: Logger
    /// What the ledger has of each hash, so that only changes are written.
    private var known: [String: [String: String]] = [:]

    init(redis: AggregatorRedis, ledger: any LedgerStore, shards: [Shard], logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.shards = shards
        self.logger = logger
    }

    /// One reading of today's and yesterday's counts. Returns how many were new or had grown.
    func step() async throws(AggregatorError) -> Int {
        let today = UTCDay(containingMs: try await redis.nowMs())
        var read: [String: [String: String]] = [:]
        var changed: [DenialCount] = []
        for day in [UTCDay(number: today.number - 1), today] {
            for shard in shards {
                let hash = RedisKeys.denials(shard, day: day)
                let fields = try await redis.hash(hash)
                guard !fields.isEmpty else { continue }
                read[hash] = fields
                for (field, text) in fields where known[hash]?[field] != text {
                    if let count = count(field, text, day) { changed.append(count) }
                }
            }
        }
        if !changed.isEmpty {
            do { try await ledger.recordDenials(changed) } catch {
                throw AggregatorError(error)
            }
        }
        known = read
        return changed.count
    }

    private func count(_ field: String, _ text: String, _ day: UTCDay) -> DenialCount? {
        guard let (key, node) = DenialKey.parse(field, day: day), let count = Int(text),
            (0...UsageEvent.largestForLedger).contains(count)
        else {
            logger.warning("a count of denials cannot be read", metadata: ["field": "\(field.prefix(200))"])
            return nil
        }
        return DenialCount(key: key, node: node, count: count)
    }
}
