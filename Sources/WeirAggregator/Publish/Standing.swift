import Logging
import WeirCore
import WeirLedger
import WeirRedis

/// Keeps a copy in the ledger of what stands in Redis because somebody said so: limited sets, kill switch, and what the
/// aggregator remembers of its own share in them. Whatever is typed with redis-cli is recorded as `redis-cli`'s; a Redis
/// that has lost it, or came back with an old snapshot, is set up again from the copy.
///
/// So that an empty Redis is never taken for a removal by hand, a mark in Redis names the run of the server for which it
/// was set up. What was read counts only if the mark stood there afterwards, and named the run that answers.
actor Standing {
    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let interval: Duration
    private let logger: Logger
    /// What stood in Redis when this leader last looked, and by which token it leads.
    private var seen: (entries: StandingPlan.Entries, token: Int)?
    private var nextRecord = ContinuousClock.now

    init(redis: AggregatorRedis, ledger: any LedgerStore, interval: Duration, logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.interval = interval
        self.logger = logger
    }

    // MARK: Into Redis

    /// Sets Redis up again if it has lost something. To be done before anything is evaluated.
    func restore(as leader: Leader) async throws(AggregatorError) {
        let mark = try await redis.send(["GET", .string(AggregatorKeys.standingRun)]).words
        let run = try await redis.runID()
        guard mark != run else { return }
        let recorded = try await recorded()
        let (policy, nowMs) = (try await policy(), try await redis.nowMs())
        var here: StandingPlan.Entries = [:]
        // An old snapshot has what was taken back since. In a Redis without a mark it was typed after the loss: it stays.
        if mark != nil {
            here = try await read(policy, recorded, nowMs: nowMs)
            for place in here.keys where recorded[place] == nil { try await withdraw(place, as: leader) }
        }
        var restored = 0
        for (place, value) in recorded where here[place] != value {
            if try await put(StandingEntry(place.kind, place.name, value), policy, nowMs: nowMs, as: leader) {
                restored += 1
            }
        }
        try await leader.write(["SET", .string(AggregatorKeys.standingRun), .string(run)])
        seen = (recorded, leader.token)
        if restored > 0 { logger.notice("limited sets and kill switch restored", metadata: ["entries": "\(restored)"]) }
    }

    /// False for what is over.
    private func put(_ entry: StandingEntry, _ policy: Policy?, nowMs: Int, as leader: Leader)
        async throws(AggregatorError) -> Bool
    {
        let name = entry.place.name
        switch entry.place.kind {
        case .limited:
            guard let place = Self.limitedTeam(name) else { return false }
            try await leader.write([
                "ZADD", .string(RedisKeys.limitedSet(resource: place.resource)), .string(entry.value),
                .string(place.team),
            ])
        case .limitedByLedger:
            try await leader.write(["HSET", .string(AggregatorKeys.ownLimits), .string(name), .string(entry.value)])
        case .killSwitch:
            try await leader.write(["HSET", .string(RedisKeys.killSwitch), .string(name), .string(entry.value)])
        case .costGuard:
            guard let period = policy?.costGuard?.period.containing(ms: nowMs), Self.guardKeys(period).contains(name)
            else { return false }
            try await leader.write([
                "SET", .string(name), .string(entry.value), "PXAT", .int(period.endMs + UTCDay.lengthMs),
            ])
        }
        return true
    }

    private func withdraw(_ place: StandingEntry.Place, as leader: Leader) async throws(AggregatorError) {
        logger.warning(
            "an old snapshot's entry is taken back",
            metadata: ["kind": "\(place.kind.rawValue)", "entry": "\(place.name)"])
        switch place.kind {
        case .limited:
            guard let limited = Self.limitedTeam(place.name) else { return }
            try await leader.write([
                "ZREM", .string(RedisKeys.limitedSet(resource: limited.resource)), .string(limited.team),
            ])
        case .limitedByLedger:
            try await leader.write(["HDEL", .string(AggregatorKeys.ownLimits), .string(place.name)])
        case .killSwitch: try await leader.write(["HDEL", .string(RedisKeys.killSwitch), .string(place.name)])
        case .costGuard: try await leader.write(["DEL", .string(place.name)])
        }
    }

    // MARK: Into the ledger

    /// Records what has changed since it was last looked at. To be done after the evaluation.
    func record(as leader: Leader) async throws(AggregatorError) {
        guard ContinuousClock.now >= nextRecord else { return }
        nextRecord = .now + interval
        let recorded = try await recorded()
        // A new leader knows nothing of its own: what was changed while nobody led shows against the ledger.
        let before = seen.flatMap { $0.token == leader.token ? $0.entries : nil } ?? recorded
        let (policy, nowMs) = (try await policy(), try await redis.nowMs())
        let now = try await read(policy, recorded, nowMs: nowMs)
        // Read last: what Redis lost before was not removed by anybody.
        let mark = try await redis.send(["GET", .string(AggregatorKeys.standingRun)]).words
        guard try await redis.runID() == mark else { return }
        let plan = StandingPlan(before: before, now: now, recorded: recorded, nowMs: nowMs)
        if !plan.isEmpty {
            do { try await ledger.changeStanding(set: plan.changed, remove: plan.removed, audit: plan.audit) } catch {
                throw AggregatorError(error)
            }
        }
        seen = (now, leader.token)
        for entry in plan.audit {
            logger.notice(
                "recorded what was typed in Redis",
                metadata: ["action": "\(entry.action)", "subject": "\(entry.subject)"])
        }
    }

    // MARK: Reading

    private func recorded() async throws(AggregatorError) -> StandingPlan.Entries {
        do {
            return Dictionary(uniqueKeysWithValues: try await ledger.standing().map { ($0.place, $0.value) })
        } catch { throw AggregatorError(error) }
    }

    private func policy() async throws(AggregatorError) -> Policy? {
        do { return try await ledger.currentPolicy()?.policy } catch {
            throw AggregatorError(error)
        }
    }

    /// What stands in Redis now.
    private func read(_ policy: Policy?, _ recorded: StandingPlan.Entries, nowMs: Int)
        async throws(AggregatorError) -> StandingPlan.Entries
    {
        var entries: StandingPlan.Entries = [:]
        let known = recorded.keys.compactMap { $0.kind == .limited ? Self.limitedTeam($0.name)?.resource : nil }
        for resource in Set(policy?.resources ?? []).union(known) {
            let key = RedisKeys.limitedSet(resource: resource)
            guard case .array(let parts) = try await redis.send(["ZRANGE", .string(key), "0", "-1", "WITHSCORES"])
            else { continue }
            for (team, score) in RedisValue.dictionary(parts) {
                entries[StandingEntry.Place(.limited, "\(resource)/\(team)")] = score
            }
        }
        for (field, value) in try await redis.hash(AggregatorKeys.ownLimits) {
            entries[StandingEntry.Place(.limitedByLedger, field)] = value
        }
        for (scope, value) in try await redis.hash(RedisKeys.killSwitch) {
            entries[StandingEntry.Place(.killSwitch, scope)] = value
        }
        if let period = policy?.costGuard?.period.containing(ms: nowMs) {
            for key in Self.guardKeys(period) {
                guard let micros = try await redis.send(["GET", .string(key)]).words else { continue }
                entries[StandingEntry.Place(.costGuard, key)] = micros
            }
        }
        return entries
    }

    private static func guardKeys(_ period: Period.Instance) -> [String] {
        ["warn", "kill"].map { AggregatorKeys.costGuard($0, period: period) }
    }

    /// A team's id holds no slash.
    static func limitedTeam(_ name: String) -> LimitedTeam? {
        guard let slash = name.lastIndex(of: "/") else { return nil }
        return LimitedTeam(resource: String(name[..<slash]), team: String(name[name.index(after: slash)...]))
    }
}
