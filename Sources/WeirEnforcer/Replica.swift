import Logging
import NIOCore
import Synchronization
import WeirCore
import WeirRedis

/// What a node keeps in memory of Redis: policy, kill switch, limited sets, API keys, overrides. Follows Redis by invalidations,
/// reads everything again now and then, and says so when it cannot.
final class Replica: Sendable {
    /// One reading of Redis. A class, since every call takes it several times: one reference instead of a dozen.
    final class Snapshot: Sendable {
        let inForce: PolicyInForce?
        /// Why the published policy is not the one in force.
        let policyProblem: String?
        let killSwitch: [KillSwitch.Scope: KillSwitch.Entry]
        /// Resource → team → milliseconds since 1970 until which it is limited.
        let limited: [String: [String: Int]]
        let prices: PricesInForce?

        init(
            inForce: PolicyInForce? = nil, policyProblem: String? = nil,
            killSwitch: [KillSwitch.Scope: KillSwitch.Entry] = [:],
            limited: [String: [String: Int]] = [:], prices: PricesInForce? = nil
        ) {
            self.inForce = inForce
            self.policyProblem = policyProblem
            self.killSwitch = killSwitch
            self.limited = limited
            self.prices = prices
        }

        var policy: Policy? { inForce?.policy }
    }

    /// Read again however quiet Redis is: a backstop for an invalidation that never came.
    static let backstop: Duration = .seconds(2)
    /// Read again while invalidations are lost.
    static let lostInterval: Duration = .milliseconds(200)
    /// Beyond this age nothing here is believed any more.
    static let hardAge: Duration = .seconds(5)

    let keys = KeyCache()
    let overrides: Overrides
    let clock: RedisClock
    private let pool: RedisPool
    /// What ships; nil: this node charges nothing.
    private let shippedPrices: PriceHistory?
    private let invalidations: RedisInvalidations
    private let logger: Logger
    private let state = Mutex(State())
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    private struct State {
        var snapshot = Snapshot()
        var readAt: ContinuousClock.Instant?
        var isDirty = true
        var isFollowing = false
        /// Why it could not be read the last time.
        var problem: EnforcerError?

        /// Why it may not be acted on; nil: it may. An outage only if Redis gives no answer: what it refuses for its
        /// operator to mend never is one.
        var unfitness: EnforcerError? {
            guard let readAt else {
                return .degraded(reason: problem?.reason ?? "policy, keys and limited sets are not read yet")
            }
            if snapshot.policy == nil { return .degraded(reason: "no policy has been published") }
            guard readAt.duration(to: .now) > hardAge else { return nil }
            let reason = "what is known of Redis is too old: \(problem?.reason ?? "no reason known")"
            return if case .outage = problem { .outage(reason: reason) } else { .degraded(reason: reason) }
        }
    }

    init(
        configuration: RedisConfiguration, pool: RedisPool, prices: PriceHistory?, clock: RedisClock,
        loop: any EventLoop, logger: Logger
    ) {
        self.pool = pool
        shippedPrices = prices
        self.clock = clock
        self.logger = logger
        overrides = Overrides(logger: logger)
        invalidations = RedisInvalidations(
            configuration: configuration,
            prefixes: [
                RedisKeys.policy, RedisKeys.prices, RedisKeys.killSwitch, RedisKeys.limitedSetPrefix,
                RedisKeys.apiKeyPrefix, RedisKeys.overridePrefix,
            ],
            eventLoop: loop, logger: logger)
    }

    /// The latest knowledge.
    /// - Throws: ``EnforcerError/degraded(reason:)`` if it is missing; `outage` or `degraded` if it is too old to act on.
    func current() throws(EnforcerError) -> Snapshot {
        let (snapshot, problem) = state.withLock { ($0.snapshot, $0.unfitness) }
        if let problem { throw problem }
        return snapshot
    }

    /// The latest knowledge, and in an outage the last, whatever its age.
    /// - Throws: ``EnforcerError/degraded(reason:)`` as ``current()``.
    func lastKnown() throws(EnforcerError) -> Snapshot {
        let (snapshot, problem) = state.withLock { ($0.snapshot, $0.unfitness) }
        guard let problem else { return snapshot }
        if case .outage = problem { return snapshot }
        throw problem
    }

    /// Why it could not be read the last time; nil: it was.
    var problem: EnforcerError? { state.withLock { $0.problem } }

    /// When what is known was asked for.
    var readAt: ContinuousClock.Instant? { state.withLock { $0.readAt } }

    /// Follows Redis until the task is cancelled.
    ///
    /// - Parameter shards: all of them: what is missing while one is not ready may only not be back yet.
    func run(_ shards: [Shard]) async {
        invalidations.start()
        await withTaskGroup { group in
            group.addTask { await self.follow() }
            group.addTask { await self.refresh(shards) }
            group.addTask { await self.tick() }
        }
        await invalidations.close()
    }

    private func follow() async {
        for await event in invalidations.events {
            switch event {
            case .armed:
                keys.follow()
                overrides.follow()
                state.withLock { ($0.isFollowing, $0.isDirty) = (true, true) }
                bell.continuation.yield()
            case .flushed:
                keys.doubt()
                overrides.doubt()
                state.withLock { $0.isDirty = true }
                bell.continuation.yield()
            case .lost:
                keys.lose()
                overrides.lose()
                state.withLock { $0.isFollowing = false }
            case .changed(let names):
                var isDirty = false
                for name in names {
                    if name.hasPrefix(RedisKeys.apiKeyPrefix) {
                        keys.forget(String(name.dropFirst(RedisKeys.apiKeyPrefix.count)))
                    } else if name.hasPrefix(RedisKeys.overridePrefix) {
                        overrides.forget(key: name)
                    } else {
                        isDirty = true
                    }
                }
                if isDirty {
                    state.withLock { $0.isDirty = true }
                    bell.continuation.yield()
                }
            }
        }
        bell.continuation.finish()
    }

    /// Rings while something must be read: what is dirty and could not be read, what is lost, what is old.
    private func tick() async {
        while !Task.isCancelled {
            let isDue = state.withLock { state in
                state.isDirty || !state.isFollowing
                    || state.readAt.map { $0.duration(to: .now) > Self.backstop } ?? true
            }
            if isDue { bell.continuation.yield() }
            do { try await Task.sleep(for: Self.lostInterval) } catch { return }
        }
    }

    private func refresh(_ shards: [Shard]) async {
        for await _ in bell.stream {
            if Task.isCancelled { return }
            state.withLock { $0.isDirty = false }
            do {
                let began = ContinuousClock.now
                let known = state.withLock { $0.snapshot }
                let snapshot = try await ReplicaReader(
                    connection: pool.any, shards: shards, shippedPrices: shippedPrices, clock: clock, logger: logger
                ).read(known: known)
                tellChanges(from: known, to: snapshot)
                state.withLock { state in
                    if state.problem != nil { logger.info("Redis is read again") }
                    (state.snapshot, state.readAt, state.problem) = (snapshot, began, nil)
                }
            } catch {
                let problem: EnforcerError =
                    switch error {
                    case let error as RedisError: EnforcerError(error)
                    case let error as EnforcerError: error
                    default: .degraded(reason: "\(error)")
                    }
                state.withLock { state in
                    if state.problem != problem {
                        logger.warning("cannot read Redis", metadata: ["error": "\(problem.reason)"])
                    }
                    (state.isDirty, state.problem) = (true, problem)
                }
            }
        }
    }

    /// What stops calls, and what no longer does.
    private func tellSwitches(from known: Snapshot, to snapshot: Snapshot) {
        for (scope, entry) in snapshot.killSwitch where known.killSwitch[scope] != entry {
            logger.info(
                "kill switch", metadata: ["scope": "\(scope.text)", "on": "\(entry.on)", "actor": "\(entry.actor)"])
        }
        for scope in known.killSwitch.keys where snapshot.killSwitch[scope] == nil {
            logger.info("kill switch", metadata: ["scope": "\(scope.text)", "on": "false"])
        }
        for resource in Set(known.limited.keys).union(snapshot.limited.keys) {
            let (before, after) = (known.limited[resource] ?? [:], snapshot.limited[resource] ?? [:])
            let added = after.keys.count { before[$0] == nil }
            let removed = before.keys.count { after[$0] == nil }
            guard added + removed > 0 else { continue }
            // Counts alone: a month's end may change thousands at once.
            logger.info(
                "limited set",
                metadata: [
                    "resource": "\(resource)", "added": "\(added)", "removed": "\(removed)", "teams": "\(after.count)",
                ])
        }
    }

    private func tellChanges(from known: Snapshot, to snapshot: Snapshot) {
        if let problem = snapshot.policyProblem, problem != known.policyProblem {
            logger.error("the last readable policy stays in force", metadata: ["error": "\(problem)"])
        }
        if let problem = snapshot.prices?.problem, problem != known.prices?.problem {
            logger.error("the last readable prices stay in force", metadata: ["error": "\(problem)"])
        }
        tellSwitches(from: known, to: snapshot)
        let isNewPolicy = snapshot.policy?.version != known.policy?.version
        if isNewPolicy {
            logger.info("policy in force", metadata: ["version": "\(snapshot.policy?.version ?? 0)"])
        }
        guard let prices = snapshot.prices else { return }
        let isNewPrice = prices.history.version != known.prices?.history.version
        if isNewPrice { logger.info("prices in force", metadata: ["version": "\(prices.history.version)"]) }
        guard isNewPolicy || isNewPrice, let policy = snapshot.policy else { return }
        let unpriced = prices.today.unpriced(policy.namedModels)
        guard !unpriced.isEmpty else { return }
        logger.warning(
            "models that the policy names have no price",
            metadata: [
                "models": "\(unpriced.joined(separator: " "))", "unpriced_models": "\(policy.unpricedModels.rawValue)",
            ])
    }
}
