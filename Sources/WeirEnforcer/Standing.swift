import NIOCore
import WeirCore
import WeirRedis

/// How a caller stands with the limits that cover it.
package struct Standing: Sendable {
    /// Redis's time, milliseconds since 1970.
    package let nowMs: Int
    /// In the order of their names.
    package let resources: [Resource]
    /// In the order of the policy.
    package let limits: [Line]

    package struct Resource: Sendable, Hashable {
        package let name: String
        package let isLimited: Bool
        /// Milliseconds since 1970; nil: not limited, or without end.
        package let untilMs: Int?
    }

    /// One limit for one subject.
    package struct Line: Sendable, Hashable {
        package let limit: Limit
        package let subject: Subject
        package let amount: Int
        package let source: Limit.AmountSource
        /// Nil for a limit that the ledger enforces: Redis does not count it.
        package let used: Int?
        package let reserved: Int?
        /// When it is whole again if nothing else happens, milliseconds since 1970.
        package let resetsAtMs: Int?

        /// Nil where it is unlimited, or not known.
        package var remaining: Int? {
            guard amount > 0, let used, let reserved else { return nil }
            return max(0, amount.addingSaturated(-used.addingSaturated(reserved)))
        }
    }
}

/// What has to be read to say how a caller stands: one line for each limit and subject. Pure.
struct StandingPlan: Sendable {
    private struct Asked: Sendable {
        let limit: Limit
        let subject: Subject
        let call: Call
    }

    private let asked: [Asked]

    /// - Parameter calls: one for each product that the caller may use.
    /// - Parameter model: nil: the limits of all models.
    init(_ policy: Policy, calls: [Call], model: String?) {
        var asked: [Asked] = []
        var known: Set<OverrideName> = []
        for limit in policy.limits {
            for call in calls where limit.covers(call, on: model ?? limit.match.models.first ?? "") {
                for subject in limit.subjects(of: call)
                where known.insert(OverrideName(limit: limit.id, subject: subject.text)).inserted {
                    asked.append(Asked(limit: limit, subject: subject, call: call))
                }
            }
        }
        self.asked = asked
    }

    /// What overrides are looked up by, in the order of the lines.
    var names: [OverrideName] { asked.map { OverrideName(limit: $0.limit.id, subject: $0.subject.text) } }

    /// The counter of each line; nil for a limit that the ledger enforces.
    /// - Parameter overrides: by the place of their line.
    func counters(overrides: [Int: Int], shardCount: Int, nowMs: Int) -> [CounterKey?] {
        asked.enumerated().map { index, line in
            guard line.limit.enforce != .ledger else { return nil }
            return CounterKey(
                shard: Shard(of: line.subject, team: line.call.team, count: shardCount), limit: line.limit.id,
                subject: line.subject.text, counter: line.limit.counter(override: overrides[index]), atMs: nowMs)
        }
    }

    func lines(overrides: [Int: Int], readings: [PeekScript.Reading?], nowMs: Int) -> [Standing.Line] {
        asked.indices.map { index in
            let line = asked[index]
            let (amount, source) = line.limit.amount(
                for: line.subject, of: line.call, override: overrides[index])
            return Standing.Line(
                limit: line.limit, subject: line.subject, amount: amount, source: source,
                used: readings[index]?.used, reserved: readings[index]?.reserved,
                resetsAtMs: line.limit.span.resetsAtMs(nowMs: nowMs))
        }
    }
}

extension RedisConnection {
    /// What the counters hold, shard by shard; nil where there is none.
    func peek(
        _ counters: [CounterKey?], learning clock: RedisClock
    ) async throws(EnforcerError) -> [PeekScript.Reading?] {
        var units = [PeekScript.Reading?](repeating: nil, count: counters.count)
        var places: [Shard: [(place: Int, counter: CounterKey)]] = [:]
        for (place, counter) in counters.enumerated() {
            guard let counter, let shard = Shard(ofKey: counter.key) else { continue }
            places[shard, default: []].append((place, counter))
        }
        for (shard, entries) in places {
            let reply: PeekScript.Reply
            do {
                reply = try await PeekScript(shard: shard, counters: entries.map(\.counter)).run(on: self)
            } catch { throw EnforcerError(error) }
            switch reply {
            case .notReady: throw .outage(reason: "shard \(shard.tag) is not ready")
            case .lost(_, let counter): throw .missingBudget(entries[counter].counter.key)
            case .read(let nowMs, let held):
                clock.learn(redisMs: nowMs)
                for (entry, found) in zip(entries, held) { units[entry.place] = found }
            }
        }
        return units
    }
}

extension Enforcer {
    /// How the caller stands with every limit that may cover one of `calls`, and with every resource of the policy.
    /// Changes nothing.
    ///
    /// - Parameter calls: one for each product that it may use.
    /// - Parameter model: nil: the limits of all models.
    package func standing(
        of calls: [Call], model: String?, on loop: any EventLoop
    ) async throws(EnforcerError) -> Standing {
        try requireStarted()
        let snapshot = try replica.current()
        guard let policy = snapshot.policy else { throw .degraded(reason: "no policy has been published") }
        let plan = StandingPlan(policy, calls: calls, model: model)
        let overrides = try await overrides(of: plan.names, on: loop)
        let nowMs = clock.nowMs
        let counters = plan.counters(overrides: overrides, shardCount: shardCount, nowMs: nowMs)
        let readings = try await pool.connection(for: loop).peek(counters, learning: clock)
        let team = calls.first?.team
        let resources = policy.resources.map { resource in
            let untilMs = team.flatMap { snapshot.limited[resource]?[$0] }
            let isLimited = untilMs.map { $0 > nowMs } ?? false
            let isEndless = untilMs.map { $0 >= ReplicaReader.endlessMs } ?? false
            return Standing.Resource(
                name: resource, isLimited: isLimited, untilMs: isLimited && !isEndless ? untilMs : nil)
        }
        return Standing(
            nowMs: nowMs, resources: resources,
            limits: plan.lines(overrides: overrides, readings: readings, nowMs: nowMs))
    }

    private func overrides(
        of names: [OverrideName], on loop: any EventLoop
    ) async throws(EnforcerError) -> [Int: Int] {
        switch replica.overrides.answer(for: names, nowMs: clock.nowMs) {
        case .known(let known): return known
        case .ask(let question): return try await ask(question, on: loop)
        }
    }
}

extension Explainer {
    /// How callers stand with every limit that may cover one of `calls`, read anew. Changes nothing.
    package func standing(of calls: [Call], in situation: Situation) async throws(EnforcerError) -> [Standing.Line] {
        let plan = StandingPlan(situation.policy, calls: calls, model: nil)
        let overrides = try await amounts(plan.names, Overrides(logger: logger), situation)
        let counters = plan.counters(
            overrides: overrides, shardCount: situation.shardCount, nowMs: situation.nowMs)
        let readings = try await situation.connection.peek(counters, learning: situation.clock)
        return plan.lines(overrides: overrides, readings: readings, nowMs: situation.nowMs)
    }
}

extension Limit.Span {
    /// A window is whole again when all of it has passed.
    fileprivate func resetsAtMs(nowMs: Int) -> Int? {
        switch self {
        case .window(let ms): nowMs.addingSaturated(ms)
        case .period(let period): period.containing(ms: nowMs).endMs
        case .inFlight: nil
        }
    }
}
