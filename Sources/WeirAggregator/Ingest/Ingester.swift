import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Carries usage events from the shards' streams into the ledger: read, commit, acknowledge, trim, in this order.
///
/// An entry is acknowledged only when the ledger has it, and the ledger knows each event by its id, so a crash between any
/// two of these steps costs a repetition and nothing else. Any number of aggregators may do this at once.
///
/// Where events come faster than that, batches grow, and the next one is read and decoded while the one before it is
/// committed. Acknowledged is still only what is committed: what was read ahead is this consumer's own until then, as a
/// batch in hand is.
///
/// Shards are read without BLOCK, one command each, all of them on their way together: every command names one key (Redis
/// Cluster), no connection is held up, and the wait between empty rounds is the only delay.
package actor Ingester {
    /// What one step did.
    package struct Report: Sendable, Equatable {
        package var ledger = IngestResult()
        /// Entries taken from the streams.
        package var entries = 0
        /// Entries that were gone before they were read. An alarm: somebody trimmed or deleted them.
        package var lost = 0
        /// Events of models without a price of their own, and those models, of one batch.
        package var unpricedEvents = 0
        package var unpricedModels: Set<String> = []
        package var isEmpty: Bool { entries == 0 }
        /// Some shard gave as many entries as were asked for: there are probably more.
        package var isFull = false
    }

    private struct Source {
        let stream: ShardStream
        var hasGroup = false
        /// True until this consumer's unacknowledged entries have been worked off: after a start, a failure, a claim, and in
        /// another run of redis-server, which may have brought some back.
        var hasPending = true
        var claimCursor = "0-0"
    }

    private let configuration: AggregatorConfiguration
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let logger: Logger
    private var sources: [Source]
    private var nextClaim = ContinuousClock.now
    private var nextTelling = ContinuousClock.now
    private var nextLook = ContinuousClock.now
    /// Of redis-server, as it was read last.
    private var run: String?
    private var isBusy = false
    /// Entries that are asked for of each shard.
    private var count: Int
    /// Read and decoded while the batch before it was committed.
    private var ahead: StreamBatch?

    init(
        configuration: AggregatorConfiguration, redis: AggregatorRedis, ledger: any LedgerStore, shards: [Shard],
        logger: Logger
    ) {
        self.configuration = configuration
        self.redis = redis
        self.ledger = ledger
        self.logger = logger
        count = configuration.batchPerShard
        sources = shards.map {
            Source(stream: ShardStream(shard: $0, redis: redis, consumer: configuration.name))
        }
    }

    /// One batch of every shard.
    func step() async throws(AggregatorError) -> Report {
        // One at a time: a second one would read the first one's entries as left over.
        guard !isBusy else { return Report() }
        isBusy = true
        defer { isBusy = false }
        do throws(AggregatorError) {
            return try await readCommitAcknowledge()
        } catch {
            readAgain()
            throw error
        }
    }

    private func readCommitAcknowledge() async throws(AggregatorError) -> Report {
        var report = Report()
        try await lookForRestart()
        report.lost += try await claimFromTheDead()
        let batch: StreamBatch
        if let ahead {
            batch = ahead
            self.ahead = nil
        } else {
            batch = try await read()
        }
        tell(of: batch)
        // Not what is left over: it would be read twice, once as left over and once as read ahead.
        let isBehind = batch.isFull && count > configuration.batchPerShard && !sources.contains(where: \.hasPending)
        count =
            batch.isFull
            ? min(count * 2, max(configuration.batchPerShard, configuration.largestBatchPerShard))
            : configuration.batchPerShard
        async let next = isBehind ? readAhead() : nil
        report.ledger = try await commit(batch)
        ahead = await next
        try await acknowledge(batch)
        try await tellCommitted()
        report.entries = batch.entries
        report.lost += batch.lost.count
        report.unpricedEvents = batch.unpricedEvents
        report.unpricedModels = batch.unpricedModels
        report.isFull = batch.isFull
        return report
    }

    private func commit(_ batch: StreamBatch) async throws(AggregatorError) -> IngestResult {
        guard !batch.events.isEmpty || !batch.deadLetters.isEmpty else { return IngestResult() }
        let result: IngestResult
        do { result = try await ledger.ingest(batch.events, deadLetters: batch.deadLetters) } catch {
            throw AggregatorError(error)
        }
        #if DEBUG
            if result.inserted > 0 { configuration.onCommit?() }
        #endif
        return result
    }

    /// Nil if it failed: then the next step reads, and meets what is wrong.
    private func readAhead() async -> StreamBatch? {
        do { return try await read() } catch {
            readAgain()
            return nil
        }
    }

    /// Whatever was delivered and not acknowledged is this consumer's now, and is read again, not much at once.
    private func readAgain() {
        for index in sources.indices { sources[index].hasPending = true }
        ahead = nil
        count = configuration.batchPerShard
    }

    private func tell(of batch: StreamBatch) {
        for letter in batch.deadLetters {
            logger.error(
                "usage event cannot be read, kept as a dead letter",
                metadata: ["stream": "\(letter.stream)", "id": "\(letter.streamID)", "error": "\(letter.error)"])
        }
        for (index, id) in batch.lost { alarmOfLoss(stream: sources[index].stream.key, ids: [id]) }
    }

    /// A redis-server that came back with an old state may hold entries as given to this consumer that it has long worked off,
    /// or has never seen. Until they are acknowledged their shard stays closed.
    private func lookForRestart() async throws(AggregatorError) {
        guard ContinuousClock.now >= nextLook else { return }
        nextLook = .now + configuration.tellCommittedEvery
        let now = try await redis.runID()
        guard now != run else { return }
        run = now
        for index in sources.indices { sources[index].hasPending = true }
    }

    /// How far the ledger has each stream is said again now and then, when nothing is read: a redis-server that came back
    /// with an older state has to be noticed, and what was acknowledged and not trimmed by one that was killed.
    private func tellCommitted() async throws(AggregatorError) {
        guard ContinuousClock.now >= nextTelling else { return }
        nextTelling = .now + configuration.tellCommittedEvery
        let streams = sources.filter(\.hasGroup).map(\.stream)
        try await redis.forEach(streams) { (stream) async throws(AggregatorError) in
            do throws(AggregatorError) { try await stream.trim() } catch {
                // A group that is gone is found out by the next reading.
                guard case .redis(.server(let text)) = error, text.hasPrefix("NOGROUP") else { throw error }
            }
        }
    }

    /// The next entries of each shard that has any, decoded.
    private func read() async throws(AggregatorError) -> StreamBatch {
        let parts = try await readAll()
        var batch = StreamBatch()
        guard !parts.isEmpty else { return batch }
        let now = try await redis.nowMs()
        batch.reserve(parts.reduce(0) { $0 + $1.entries.count })
        for (index, entries, isFull) in parts {
            batch.add(
                entries, of: sources[index].stream.key, at: index, largestBytes: configuration.largestEventBytes,
                seenAtMs: now)
            if isFull { batch.isFull = true }
        }
        return batch
    }

    /// The next entries of each shard that has any, all shards at once.
    private func readAll() async throws(AggregatorError) -> [(index: Int, entries: [StreamEntry], isFull: Bool)] {
        let count = count
        typealias Answer = (index: Int, fromPending: Bool, entries: Result<[StreamEntry], AggregatorError>)
        let answers = await withTaskGroup(of: Answer.self) { group in
            for (index, source) in sources.enumerated() {
                group.addTask {
                    do throws(AggregatorError) {
                        if !source.hasGroup { try await source.stream.makeGroup() }
                        if source.hasPending {
                            let pending = try await source.stream.readOwnPending(count: count)
                            if !pending.isEmpty { return (index, true, .success(pending)) }
                        }
                        return (index, false, .success(try await source.stream.readNew(count: count)))
                    } catch {
                        return (index, false, .failure(error))
                    }
                }
            }
            var answers: [Answer] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        var batches: [(index: Int, entries: [StreamEntry], isFull: Bool)] = []
        var failure: AggregatorError?
        for answer in answers {
            switch answer.entries {
            case .success(let entries):
                sources[answer.index].hasGroup = true
                sources[answer.index].hasPending = answer.fromPending
                if !entries.isEmpty { batches.append((answer.index, entries, entries.count >= count)) }
            case .failure(.redis(.server(let text))) where text.hasPrefix("NOGROUP"):
                // Redis has lost everything, or somebody deleted stream or group. The next step makes it again, and reads
                // the whole stream once more.
                sources[answer.index].hasGroup = false
                logger.error(
                    "consumer group is gone, making it again from 0",
                    metadata: ["stream": "\(sources[answer.index].stream.key)"])
            case .failure(let error): failure = error
            }
        }
        if let failure { throw failure }
        return batches
    }

    private func acknowledge(_ batch: StreamBatch) async throws(AggregatorError) {
        let done = batch.ids.map { (stream: sources[$0.index].stream, ids: $0.ids) }
        try await redis.forEach(done) { (item) async throws(AggregatorError) in
            try await item.stream.acknowledge(item.ids)
            try await item.stream.trim()
        }
    }

    /// Takes over what a consumer that no longer lives was given. Returns how many of its entries are gone.
    private func claimFromTheDead() async throws(AggregatorError) -> Int {
        guard ContinuousClock.now >= nextClaim else { return 0 }
        nextClaim = .now + configuration.claimEvery
        let idleMs = Int(configuration.claimAfter / .milliseconds(1))
        var lost = 0
        for index in sources.indices where sources[index].hasGroup {
            let stream = sources[index].stream
            do {
                let claim = try await stream.claim(
                    idleMs: idleMs, from: sources[index].claimCursor, count: configuration.batchPerShard)
                sources[index].claimCursor = claim.cursor
                if claim.claimed > 0 {
                    sources[index].hasPending = true
                    logger.warning(
                        "took over entries of a dead consumer",
                        metadata: ["stream": "\(stream.key)", "entries": "\(claim.claimed)"])
                }
                if !claim.lost.isEmpty { alarmOfLoss(stream: stream.key, ids: claim.lost) }
                lost += claim.lost.count
            } catch .redis(.server(let text)) where text.hasPrefix("NOGROUP") {
                sources[index].hasGroup = false
            }
        }
        return lost
    }

    private func alarmOfLoss(stream: String, ids: [String]) {
        logger.critical(
            "usage events were deleted from the stream before the ledger had them",
            metadata: [
                "stream": "\(stream)", "ids": "\(ids.prefix(20).joined(separator: " "))", "count": "\(ids.count)",
            ])
    }
}
