import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Carries usage into the ledger and the ledger's verdicts back to the nodes. Running a step twice changes nothing.
///
/// Any number may run at once: all ingest, one leads (publishes, evaluates, makes shards ready).
package actor Aggregator {
    let configuration: AggregatorConfiguration
    let redis: AggregatorRedis
    let ledger: any LedgerStore
    let logger: Logger
    let metrics: AggregatorMetrics
    private let leadership: Leadership
    private let publisher: Publisher
    private let standing: Standing
    private let evaluator: Evaluator
    /// Both from the moment `weir:meta` is known.
    private var ingester: Ingester?
    private var readiness: Readiness?
    private var reaper: Reaper?
    private var lostBudgets: LostBudgets?
    private var denials: DenialCollector?
    private var nextReconciling = ContinuousClock.now
    /// Rings when sums have changed.
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    private var ingestProblem: String? = "starting"
    private var leadProblem: String?
    private var evictionProblem: String?
    /// Why it is not at work, or nil: for health pages.
    package var unreadyReason: String? { ingestProblem ?? leadProblem ?? evictionProblem }
    package private(set) var isLeading = false
    // What alerts are decided by, from one survey to the next.
    var redisLostSince: ContinuousClock.Instant?
    var knownAlerts: Set<Alert.Key> = []
    var unpricedSeen: Set<String> = []
    var unpricedTold: Set<String> = []
    var unpricedDay = 0
    /// The token with which this process has fenced off earlier leaders.
    private var claimed: Int?

    /// - Parameter pool: started, and closed, by the caller.
    /// - Parameter ledger: closed by the caller.
    package init(configuration: AggregatorConfiguration, pool: RedisPool, ledger: any LedgerStore, logger: Logger) {
        self.configuration = configuration
        self.ledger = ledger
        self.logger = logger
        metrics = AggregatorMetrics(configuration.metrics)
        redis = AggregatorRedis(
            pool: pool, deadline: configuration.redisDeadline, fixedNowMs: configuration.nowMs)
        leadership = Leadership(
            redis: redis, ledger: ledger, name: configuration.name, lease: configuration.leaderLease, logger: logger)
        publisher = Publisher(redis: redis, ledger: ledger, logger: logger)
        standing = Standing(redis: redis, ledger: ledger, interval: configuration.recordEvery, logger: logger)
        evaluator = Evaluator(redis: redis, ledger: ledger, logger: logger)
    }

    // MARK: Steps

    /// One batch of every shard into the ledger.
    package func ingest() async throws(AggregatorError) -> Ingester.Report {
        let ingester = try await joined().ingester
        let report = try await ingester.step()
        count(report)
        if !report.isEmpty { bell.continuation.yield() }
        return report
    }

    /// What only the leader does: publish, evaluate, make shards ready. Returns whether this one leads.
    @discardableResult
    package func lead() async throws(AggregatorError) -> Bool {
        let parts = try await joined()
        guard let leader = try await leadership.step() else {
            isLeading = false
            return false
        }
        isLeading = true
        do throws(AggregatorError) {
            try await lead(as: leader, parts.readiness, parts.lostBudgets)
            return true
        } catch .fenced {
            await leadership.lose(leader.token)
            isLeading = false
            return false
        }
    }

    private func lead(
        as leader: Leader, _ readiness: Readiness, _ lostBudgets: LostBudgets
    ) async throws(AggregatorError) {
        // A Redis that has lost everything is set up again, with the shards that this one knows.
        guard try await Deployment.join(redis, shards: readiness.shards.count) == readiness.shards else {
            throw .misconfigured("weir:meta now has another number of shards; start the aggregator again")
        }
        if claimed != leader.token {
            let resources: [String]
            do { resources = try await ledger.currentPolicy()?.policy.resources ?? [] } catch {
                throw AggregatorError(error)
            }
            try await leader.claim([RedisKeys.killSwitch, AggregatorKeys.ownLimits])
            try await leader.claim(resources.map { RedisKeys.limitedSet(resource: $0) })
            try await leader.claim(readiness.shards)
            claimed = leader.token
        }
        // What is due is known before the limits are evaluated: who is over them is limited before its shard opens.
        let unready = try await readiness.unready(as: leader)
        let due = try await readiness.due(unready)
        try await publisher.step(as: leader)
        try await standing.restore(as: leader)
        try await evaluator.step(as: leader)
        try await standing.record(as: leader)
        _ = try await readiness.open(due, as: leader)
        _ = try await lostBudgets.step(as: leader, unready: unready)
        _ = try await reconcile()
    }

    /// Makes budgets anew soon that somebody has missed.
    package func lookForLostBudgets() async throws(AggregatorError) {
        guard isLeading else { return }
        if try await joined().lostBudgets.isAnyMissed() { wake() }
    }

    /// Raises counters for events that were sent again after a loss. Returns how many.
    package func reconcile() async throws(AggregatorError) -> Int {
        guard isLeading, ContinuousClock.now >= nextReconciling else { return 0 }
        nextReconciling = .now + configuration.reconcileEvery
        let shards = try await joined().readiness.shards
        return try await Reconciler(redis: redis, ledger: ledger, shards: shards, logger: logger).step()
    }

    /// Settles calls whose nodes are gone. Returns how many.
    package func reap() async throws(AggregatorError) -> Int {
        guard isLeading else { return 0 }
        let settled = try await joined().reaper.step()
        metrics.reaped(settled)
        return settled
    }

    /// The nodes' counts of denials into the ledger. Returns how many had changed.
    package func collectDenials() async throws(AggregatorError) -> Int {
        guard isLeading else { return 0 }
        let shards = try await joined().readiness.shards
        let collector =
            denials ?? DenialCollector(redis: redis, ledger: ledger, shards: shards, logger: logger)
        denials = collector
        return try await collector.step()
    }

    /// Whether Redis may forget keys: then it says so, in the log and to whoever asks whether it is ready, and goes on.
    package func lookForEviction() async throws(AggregatorError) {
        let info = try await redis.send(["INFO", "memory"]).words
        evictionProblem = info.flatMap { RedisEviction(info: $0) }?.problem
        if let evictionProblem { logger.error("\(evictionProblem)") }
    }

    /// Evaluates soon: somebody has just changed what is to be published.
    package nonisolated func wake() { bell.continuation.yield() }

    func joined() async throws(AggregatorError) -> (
        ingester: Ingester, readiness: Readiness, reaper: Reaper, lostBudgets: LostBudgets
    ) {
        if let ingester, let readiness, let reaper, let lostBudgets {
            return (ingester, readiness, reaper, lostBudgets)
        }
        let shards = try await Deployment.join(redis, shards: configuration.shards)
        // Another task may have joined meanwhile.
        if let ingester, let readiness, let reaper, let lostBudgets {
            return (ingester, readiness, reaper, lostBudgets)
        }
        let parts = (
            ingester: Ingester(
                configuration: configuration, redis: redis, ledger: ledger, shards: shards, logger: logger),
            readiness: Readiness(
                redis: redis, ledger: ledger, shards: shards, grace: configuration.announceGrace, logger: logger),
            reaper: Reaper(redis: redis, ledger: ledger, shards: shards, logger: logger),
            lostBudgets: LostBudgets(redis: redis, ledger: ledger, shards: shards, logger: logger)
        )
        (ingester, readiness, reaper, lostBudgets) = parts
        return parts
    }

    // MARK: At work

    /// Works until the task is cancelled. Failures of Redis and of the ledger are waited out, with alarms.
    /// - Throws: a failure that only a new process or a person can mend (``AggregatorError/isFatal``).
    package func run() async throws(AggregatorError) {
        let failure = await withTaskGroup(of: AggregatorError?.self) { group in
            group.addTask { await self.keepIngesting() }
            group.addTask { await self.keepLeading() }
            group.addTask {
                await self.keep("reap", every: self.configuration.reapEvery) { () async throws(AggregatorError) in
                    _ = try await self.reap()
                }
            }
            group.addTask {
                await self.keep("collect denials", every: self.configuration.denialsEvery) {
                    () async throws(AggregatorError) in _ = try await self.collectDenials()
                }
            }
            group.addTask {
                await self.keep("look for lost budgets", every: self.configuration.missedEvery) {
                    () async throws(AggregatorError) in try await self.lookForLostBudgets()
                }
            }
            group.addTask {
                await self.keep("renew the lease", every: self.configuration.leaderLease / 3) {
                    () async throws(AggregatorError) in _ = try await self.leadership.renew()
                }
            }
            group.addTask {
                await self.keep("ask Redis what it forgets", every: self.configuration.evictionEvery) {
                    () async throws(AggregatorError) in try await self.lookForEviction()
                }
            }
            group.addTask {
                await self.keep("survey", every: self.configuration.surveyEvery) { () async throws(AggregatorError) in
                    try await self.survey()
                }
            }
            group.addTask {
                await self.keep("deliver alerts", every: self.configuration.alertsEvery) {
                    () async throws(AggregatorError) in _ = try await self.deliverAlerts()
                }
            }
            group.addTask { await self.ringRegularly() }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        ingestProblem = "stopped"
        if isLeading {
            isLeading = false
            // Best effort: without it the next leader waits for the lease to end. In a task of its own, since this one
            // may be cancelled, and a cancelled task sends nothing.
            await Task { [leadership, logger] in
                do throws(AggregatorError) { try await leadership.resign() } catch {
                    logger.warning("could not give up leading", metadata: ["error": "\(error)"])
                }
            }.value
        }
        if let failure { throw failure }
    }

    /// Nil: cancelled.
    private func keepIngesting() async -> AggregatorError? {
        var wait = configuration.shortestWait
        var trouble = Trouble(what: "ingest", logger: logger)
        while !Task.isCancelled {
            do {
                let report = try await ingest()
                trouble.isOver()
                ingestProblem = nil
                if report.isFull { continue }
                wait = report.isEmpty ? min(wait * 2, configuration.longestWait) : configuration.shortestWait
            } catch {
                if error.isFatal { return error }
                if error == .cancelled { return nil }
                ingestProblem = "\(error)"
                wait = trouble.wait(after: error)
            }
            guard await pause(wait) else { return nil }
        }
        return nil
    }

    private func keepLeading() async -> AggregatorError? {
        var trouble = Trouble(what: "lead", logger: logger)
        for await _ in bell.stream {
            let start = ContinuousClock.now
            do throws(AggregatorError) {
                try await lead()
                trouble.isOver()
                leadProblem = nil
                guard await pause(max(configuration.evaluationPause, start.duration(to: .now))) else { return nil }
            } catch {
                if error.isFatal { return error }
                if error == .cancelled { return nil }
                leadProblem = "\(error)"
                guard await pause(trouble.wait(after: error)) else { return nil }
            }
        }
        return nil
    }

    /// Nil: cancelled.
    private func keep(
        _ what: String, every interval: Duration, _ step: @Sendable () async throws(AggregatorError) -> Void
    ) async -> AggregatorError? {
        var trouble = Trouble(what: what, logger: logger)
        while await pause(interval) {
            do throws(AggregatorError) {
                try await step()
                trouble.isOver()
            } catch {
                if error.isFatal { return error }
                if error == .cancelled { return nil }
                guard await pause(trouble.wait(after: error)) else { return nil }
            }
        }
        return nil
    }

    private func ringRegularly() async -> AggregatorError? {
        repeat { bell.continuation.yield() } while await pause(configuration.evaluateEvery)
        return nil
    }

    /// False if the task was cancelled meanwhile.
    private func pause(_ duration: Duration) async -> Bool {
        do {
            try await Task.sleep(for: duration)
            return true
        } catch {
            return false
        }
    }
}
