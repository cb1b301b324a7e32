import Logging
import NIOCore
import Synchronization
import WeirCore
import WeirRedis

/// The one engine behind every door: identifies, gates, admits, and settles what was admitted.
///
/// Safe to call from any thread; a task that runs on an event loop of the pool and names it pays no thread hop.
public final class Enforcer: Sendable {
    public struct Configuration: Sendable {
        /// How long a reservation is held unless renewed. Renew at a third of it.
        public var lease: Duration
        /// The prices that calls are charged by, before what operators add; nil: whoever embeds the engine says what its
        /// calls cost.
        public var prices: PriceHistory?

        #if DEBUG
            /// Where this process kills itself, for tests of what it leaves; nil: nowhere.
            package var crashPoint: CrashPoint?
        #endif

        public init(lease: Duration = .seconds(30), prices: PriceHistory? = nil) {
            self.lease = lease
            self.prices = prices
        }
    }

    let leaseMs: Int
    let pool: RedisPool
    let replica: Replica
    let clock = RedisClock()
    let unsettled: UnsettledCalls
    let outbox: Outbox?
    #if DEBUG
        let crashPoint: CrashPoint?
    #endif
    let expectedUsages = Mutex(ExpectedUsages())
    let denials: DenialCounts
    let outages: Outages
    let blindReservations = BlindReservations()
    let epochs: EpochWatch
    let logger: Logger
    /// As `weir:meta` says; the default until it has been read.
    private let shards = Atomic<Int>(Shard.defaultCount)
    private let isStarted = Atomic<Bool>(false)
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private let random = Mutex(BufferedRandom())

    /// - Parameter outbox: keeps what is settled until the ledger has it, and is closed by ``stop()``; nil: what Redis loses
    ///   before the ledger has it is lost.
    package init(
        configuration: Configuration, redis: RedisConfiguration, pool: RedisPool, group: any EventLoopGroup,
        outbox: Outbox? = nil, logger: Logger
    ) {
        #if DEBUG
            crashPoint = configuration.crashPoint
        #endif
        self.outbox = outbox
        leaseMs = max(1000, configuration.lease.wholeMilliseconds)
        self.pool = pool
        self.logger = logger
        replica = Replica(
            configuration: redis, pool: pool, prices: configuration.prices, clock: clock, loop: group.next(),
            logger: logger)
        unsettled = UnsettledCalls(pool: pool, outbox: outbox, clock: clock, logger: logger)
        denials = DenialCounts(pool: pool, logger: logger)
        outages = Outages(logger: logger)
        epochs = EpochWatch(pool: pool, logger: logger)
    }

    /// Connects, checks `weir:meta`, and reads policy, keys, limited sets and kill switch. Returns when the node may
    /// serve; until then every question is answered with ``EnforcerError/degraded(reason:)``.
    ///
    /// - Throws: ``EnforcerError/misconfigured(reason:)`` at once, if waiting cannot help; `degraded` when cancelled.
    package func start() async throws(EnforcerError) {
        pool.start()
        try await DeploymentCheck(pool: pool, logger: logger).wait { shards in
            self.shards.store(shards, ordering: .relaxed)
        }
        let replica = replica
        let unsettled = unsettled
        tasks.withLock { tasks in
            tasks.append(Task { await replica.run(Shard.all(count: self.shardCount)) })
            tasks.append(Task { await unsettled.run() })
            if let outbox { tasks.append(Task { await self.keepUp(outbox) }) }
            tasks.append(Task { await self.epochs.run { Shard.all(count: self.shardCount) } })
            tasks.append(Task { await self.denials.run { self.shard(ofTeam: $0) } })
            tasks.append(Task { await self.watchOutage() })
        }
        isStarted.store(true, ordering: .releasing)
        // A node that goes on while a shard is made ready anew serves the others; one that starts then waits for all.
        while let reason = unreadyReason ?? (epochs.isEveryShardReady ? nil : "shards are not ready yet") {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { throw .degraded(reason: reason) }
        }
    }

    /// The policy in force on this node.
    /// - Throws: ``EnforcerError/degraded(reason:)`` if there is none yet, or it is too old. In an outage it is the last
    ///   known, whatever its age: what it allows is decided by ``admit(_:candidates:event:on:)``.
    package func policy() throws(EnforcerError) -> Policy {
        guard let policy = try replica.lastKnown().policy else {
            throw .degraded(reason: "no policy has been published")
        }
        return policy
    }

    /// The prices in force now on this node.
    /// - Throws: ``EnforcerError/degraded(reason:)`` if they are not read yet or too old; `misconfigured` if this engine
    ///   was given none.
    package func prices() throws(EnforcerError) -> PriceTable {
        guard let prices = try replica.lastKnown().prices else {
            throw .misconfigured(reason: "no price table was given")
        }
        return prices.table(atMs: clock.nowMs)
    }

    /// Nil when the node may serve; else why not. In an outage it may as long as it admits calls blind.
    package var unreadyReason: String? {
        do throws(EnforcerError) {
            try requireStarted()
            return try outageReason()
        } catch {
            return error.reason
        }
    }

    /// - Throws: ``EnforcerError/degraded(reason:)`` if nothing may be asked of this node.
    func requireStarted() throws(EnforcerError) {
        guard isStarted.load(ordering: .acquiring) else { throw .degraded(reason: "not connected to Redis yet") }
        if unsettled.isFull { throw .degraded(reason: "\(unsettled.count) settlements wait for Redis") }
        if let problem = outbox?.problem { throw .degraded(reason: problem) }
    }

    /// Redis's time as this node knows it, milliseconds since 1970.
    package var nowMs: Int { clock.nowMs }

    /// How often a call that lives should be renewed.
    package var renewalInterval: Duration { .milliseconds(leaseMs / 3) }

    /// Its connections, for metrics.
    package var store: RedisPool { pool }

    /// Settlements that do not stand yet.
    package var unsettledCount: Int { unsettled.count }

    /// How the outbox stands; nil: there is none.
    package var outboxStatus: Outbox.Status? { outbox?.status }

    /// A new reservation's id: a ULID by Redis's time, unique across nodes.
    package func makeReservationID() -> String {
        let birthMs = clock.nowMs
        return random.withLock { ReservationID(birthMs: birthMs, using: &$0).text }
    }

    var shardCount: Int { shards.load(ordering: .relaxed) }

    func shard(of call: Call) -> Shard { Shard(homeOf: call, count: shardCount) }

    private func shard(ofTeam team: String) -> Shard { Shard(of: team, count: shardCount) }

    /// Waits until every settlement and release stands, at most until `deadline`. Returns how many do not. With an outbox it
    /// also gives the ledger a moment to have them all, so that a node that ends for good leaves nothing behind.
    package func drain(deadline: ContinuousClock.Instant) async -> Int {
        for reservation in blindReservations.takeAll() { await charge(reservation) }
        await wait(until: deadline) { self.unsettled.count == 0 }
        if let outbox, unsettled.count == 0 {
            await wait(until: min(deadline, .now + .seconds(2))) { outbox.status.rows == 0 }
        }
        return unsettled.count
    }

    private func keepUp(_ outbox: Outbox) async {
        await outbox.run(pool: pool, shardCount: shardCount, unsettled: unsettled)
    }

    private func wait(until deadline: ContinuousClock.Instant, _ condition: () -> Bool) async {
        while !condition(), ContinuousClock.now < deadline {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { break }
        }
    }

    /// Ends what runs in the background. The pool is the caller's to close.
    package func stop() async {
        let running = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { task.cancel() }
        for task in running { await task.value }
        await denials.flush { self.shard(ofTeam: $0) }
        outbox?.close()
    }
}

extension Shard {
    /// Where a call's reservation is, and its event is handed on: its team's shard. Anonymous callers have no team, and
    /// are spread by address.
    init(homeOf call: Call, count: Int) {
        if call.isAnonymous, let ip = call.ip {
            self.init(of: .ip(ip), team: call.team, count: count)
        } else {
            self.init(of: call.team, count: count)
        }
    }
}

extension Duration {
    var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
