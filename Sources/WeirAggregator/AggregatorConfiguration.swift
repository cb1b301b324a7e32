import WeirCore
import WeirTelemetry

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How an aggregator works. The defaults suit a deployment of any size.
package struct AggregatorConfiguration: Sendable {
    /// This process's name in the consumer groups and in `weir:leader`; unique, but the same after a restart, so that what
    /// it had not acknowledged is found at once. Two with one name still write each event once.
    package var name: String
    /// Events of one shard in one batch while none wait: sixteen shards fill a transaction of 4,800.
    package var batchPerShard = 300
    /// In a backlog batches grow to this: the more events there are to a transaction, the fewer sums and pages are written
    /// for each. Sixteen shards then fill one of 16,000, a third of a second's work, for which other writers wait.
    package var largestBatchPerShard = 1_000
    /// How long it waits after a batch that was not full, so that the next one is worth its transaction; when the
    /// streams are empty longer and longer. After a full batch it does not wait.
    package var shortestWait: Duration = .milliseconds(50)
    package var longestWait: Duration = .milliseconds(100)
    /// How often limits are evaluated when nothing was spent: periods end by themselves.
    package var evaluateEvery: Duration = .seconds(1)
    /// The least time between two evaluations, however much is spent. They also never take more than half of the time.
    package var evaluationPause: Duration = .milliseconds(50)
    /// Entries that another consumer took so long ago are taken over: it is dead, or stuck on a batch.
    package var claimAfter: Duration = .seconds(30)
    package var claimEvery: Duration = .seconds(5)
    /// How often nodes are told how far the ledger has the streams, when nothing is read.
    package var tellCommittedEvery: Duration = .seconds(1)
    /// How often the leader looks for events that were sent again, to raise the counters for them.
    package var reconcileEvery: Duration = .seconds(1)
    /// How often the leader looks whether somebody has missed a budget.
    package var missedEvery: Duration = .milliseconds(250)
    /// How often the leader looks for reservations whose lease has run out.
    package var reapEvery: Duration = .seconds(1)
    /// How often the leader reads the nodes' counts of denials.
    package var denialsEvery: Duration = .seconds(2)
    /// How often what operators typed with redis-cli is recorded in the ledger.
    package var recordEvery: Duration = .seconds(1)
    /// How often Redis is asked whether it may forget keys.
    package var evictionEvery: Duration = .seconds(30)
    /// How often it looks how the deployment stands, for metrics and alerts.
    package var surveyEvery: Duration = .seconds(5)
    package var alertRules = AlertRules()
    /// How often alerts that are due are sent, and the first pause after an attempt that failed; it doubles.
    package var alertsEvery: Duration = .milliseconds(500)
    package var alertPause: Duration = .seconds(5)
    /// Signs what is sent to the webhook; nil: it is not signed.
    package var alertSecret: [UInt8]?
    /// POSTs JSON to the webhook, without following redirections, within less than a minute; nil: nothing is sent.
    package var post: (@Sendable (_ body: [UInt8], _ url: String, _ headers: [String: String]) async throws -> Int)?
    /// How long Redis may be silent before that is worth an alert.
    package var redisLostAfter: Duration = .seconds(10)
    /// The time while Redis cannot tell it, milliseconds since 1970.
    package var wallMs: @Sendable () -> Int = { Int(Date().timeIntervalSince1970 * 1000) }
    /// The prices that ship, to know models without one; nil: not known.
    package var prices: PriceHistory?
    /// What `/metrics` shows.
    package var metrics = MetricsRegistry(MetricCatalogue.aggregator)
    /// For one command. Not a decision that a client waits for, so it may take long before it is given up.
    package var redisDeadline: Duration = .seconds(5)
    /// How long the leader leads without a sign of life.
    package var leaderLease: Duration = .seconds(3)
    /// How long a shard that lost its epoch stays closed at least. Nodes look every 200 ms whether it has, and announce
    /// the calls that live.
    package var announceGrace: Duration = .seconds(1)
    /// The size of a usage event beyond which it is poison.
    package var largestEventBytes = 1 << 20
    /// Shards of a deployment that is born now.
    package var shards = 16
    #if DEBUG
        /// Called when new events are in the ledger and not acknowledged yet: where a test kills its process.
        package var onCommit: (@Sendable () -> Void)?
    #endif
    /// Fixed time for tests, milliseconds since 1970; nil: Redis's.
    package var nowMs: (@Sendable () -> Int)?

    package init(name: String) { self.name = name }
}
