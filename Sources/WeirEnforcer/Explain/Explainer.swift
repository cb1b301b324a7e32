import Logging
import WeirCore
import WeirRedis

/// Says what would become of a call, as a node would decide it this moment: the same gate, the same plan, and the same
/// script as far as it decides. Nothing is held, and everything is read anew.
package struct Explainer: Sendable {
    let pool: RedisPool
    let logger: Logger

    package init(pool: RedisPool, logger: Logger) { (self.pool, self.logger) = (pool, logger) }

    /// What nodes go by, as it stands in Redis.
    package struct Situation: Sendable {
        package let policy: Policy
        let snapshot: Replica.Snapshot
        let clock: RedisClock
        let shardCount: Int
        let connection: RedisConnection

        /// Redis's time, milliseconds since 1970.
        package var nowMs: Int { clock.nowMs }
    }

    /// - Throws: ``EnforcerError/degraded(reason:)`` if there is no policy in Redis, or no Redis.
    package func situation() async throws(EnforcerError) -> Situation {
        let connection = pool.any
        let clock = RedisClock()
        do {
            // Nothing is known from before, so it does not matter whether shards are ready.
            let reader = ReplicaReader(
                connection: connection, shards: [], shippedPrices: nil, clock: clock, logger: logger)
            let snapshot = try await reader.read(known: Replica.Snapshot())
            guard let policy = snapshot.policy else {
                throw EnforcerError.degraded(reason: "no policy has been published")
            }
            let meta = try await connection.send(["HGETALL", .string(RedisKeys.meta)]).pairs
            return Situation(
                policy: policy, snapshot: snapshot, clock: clock,
                shardCount: try DeploymentCheck.shards(meta: Dictionary(meta) { first, _ in first }),
                connection: connection)
        } catch let error as EnforcerError {
            throw error
        } catch let error as RedisError {
            throw EnforcerError(error)
        } catch {
            throw .misconfigured(reason: "\(error)")
        }
    }

    /// What the key with this SHA-256 stands for on the nodes; nil: they refuse it.
    package func identify(keySHA256: String, in situation: Situation) async throws(EnforcerError) -> APIKeyRecord? {
        do {
            let fields = try await situation.connection
                .send(["HGETALL", .string(RedisKeys.apiKey(sha256: keySHA256))]).pairs
            guard let record = APIKeyRecord(fields: Dictionary(fields) { first, _ in first }),
                record.isUsable(nowMs: situation.nowMs)
            else { return nil }
            return record
        } catch { throw EnforcerError(error) }
    }

    /// - Parameter candidates: as for ``Enforcer/admit(_:candidates:event:on:)``.
    package func explain(
        _ call: Call, candidates: [Candidate], in situation: Situation
    ) async throws(EnforcerError) -> Explanation {
        let overrides = Overrides(logger: logger)
        var open = Array(candidates.indices)
        var gateDenial: Denial?
        switch Gate.open(candidates, for: call, in: situation.snapshot, nowMs: situation.nowMs) {
        case .open(let indices): open = indices
        case .denied(let denial): gateDenial = try await withOverride(denial, overrides, situation)
        }
        let offered = open.map { candidates[$0] }
        let covering = CoveringLimits(policy: situation.policy, call: call, candidates: offered)
        let amounts = try await amounts(covering.names, overrides, situation)
        // As for an admission: keys named for the wrong time are named anew, once.
        for _ in 0..<2 {
            let plan = try LimitPlan(
                covering, overrides: amounts, call: call, candidates: offered,
                home: Shard(homeOf: call, count: situation.shardCount), shardCount: situation.shardCount,
                nowMs: situation.nowMs)
            let trial: Trial
            if let gateDenial {
                trial = .denied(gateDenial)
            } else {
                trial = try await self.trial(of: plan, situation)
            }
            let verdict: Explanation.Verdict
            var served = plan.candidates.count - 1
            switch trial {
            case .admitted(let candidate, let bound):
                served = candidate
                verdict = .admitted(candidate: open[candidate], bound: bound)
            case .denied(let denial): verdict = .denied(denial)
            case .wrongTime: continue
            }
            let own = try await readings(of: plan, on: served, situation)
            let ledgers = try await ledgerLimits(of: call, candidates, overrides, situation)
            let order = situation.policy.limits.map(\.id)
            return Explanation(
                nowMs: situation.nowMs, verdict: verdict,
                limits: (own + ledgers).sorted {
                    order.firstIndex(of: $0.limit.id) ?? 0 < order.firstIndex(of: $1.limit.id) ?? 0
                })
        }
        throw .degraded(reason: "Redis's clock jumps")
    }

    // MARK: What is read

    func amounts(
        _ names: [OverrideName], _ overrides: Overrides, _ situation: Situation
    ) async throws(EnforcerError) -> [Int: Int] {
        if names.isEmpty { return [:] }
        do {
            return try await overrides.amounts(for: names, nowMs: situation.nowMs, on: situation.connection)
        } catch { throw EnforcerError(error) }
    }

    private func withOverride(
        _ denial: Denial, _ overrides: Overrides, _ situation: Situation
    ) async throws(EnforcerError) -> Denial {
        guard denial.reason == .teamLimited, let limit = denial.limit, let subject = denial.subject else {
            return denial
        }
        var denial = denial
        let amounts = try await amounts([OverrideName(limit: limit, subject: subject)], overrides, situation)
        if let amount = amounts[0] { (denial.amount, denial.amountSource) = (amount, .override) }
        return denial
    }

    /// - Parameter served: the model whose costs are told, by its place in the plan.
    private func readings(
        of plan: LimitPlan, on served: Int, _ situation: Situation
    ) async throws(EnforcerError) -> [ExplainedLimit] {
        var limits: [ExplainedLimit] = []
        for part in [plan.home] + plan.sides where !part.steps.isEmpty {
            let reply: PeekScript.Reply
            do {
                reply = try await PeekScript(shard: part.shard, counters: part.steps.map(\.counter))
                    .run(on: situation.connection)
            } catch { throw EnforcerError(error) }
            let nowMs: Int
            let readings: [PeekScript.Reading]
            switch reply {
            case .read(let readAtMs, let read): (nowMs, readings) = (readAtMs, read)
            case .notReady: throw .degraded(reason: "shard \(part.shard.tag) is not ready")
            case .lost(_, let counter): throw .missingBudget(part.steps[counter].counter.key)
            }
            let costs = part.costs(of: served)
            let entries = part.scriptEntries(candidates: plan.candidates)
            for (index, step) in part.steps.enumerated() {
                let least = served == plan.candidates.count - 1 ? entries[index].least : nil
                limits.append(
                    ExplainedLimit(
                        step: step, entry: entries[index], reading: readings[index], cost: costs[index], least: least,
                        nowMs: nowMs))
            }
        }
        return limits
    }

    /// Limits that the aggregator enforces; what was used of them, the ledger knows.
    private func ledgerLimits(
        of call: Call, _ candidates: [Candidate], _ overrides: Overrides, _ situation: Situation
    ) async throws(EnforcerError) -> [ExplainedLimit] {
        var limits: [ExplainedLimit] = []
        for limit in situation.policy.limits where limit.enforce == .ledger {
            guard let resource = limit.match.resource, case .period(let period) = limit.span,
                candidates.contains(where: { limit.covers(call, on: $0.model) })
            else { continue }
            for subject in limit.subjects(of: call) {
                let override = try await amounts(
                    [OverrideName(limit: limit.id, subject: subject.text)], overrides, situation)[0]
                let isLimited = (situation.snapshot.limited[resource]?[call.team] ?? 0) > situation.nowMs
                limits.append(
                    ExplainedLimit(
                        limit: limit, subject: subject.text, amount: override ?? limit.amount,
                        source: override == nil ? .default : .override, used: 0, reserved: 0, cost: nil,
                        resetsAtMs: period.containing(ms: situation.nowMs).endMs,
                        key: RedisKeys.limitedSet(resource: resource), isExceeded: isLimited, wouldDeny: isLimited))
            }
        }
        return limits
    }
}

extension ExplainedLimit {
    fileprivate init(
        step: LimitPlan.Step, entry: AdmitScript.Entry, reading: PeekScript.Reading, cost: Int?, least: Int?, nowMs: Int
    ) {
        // As lua/admit.lua: what must be free for the call to pass.
        let need = least ?? (cost == 0 && entry.deniesWhenFull ? 1 : cost ?? 0)
        let free = step.amount - reading.used.addingSaturated(reading.reserved)
        let isExceeded = cost != nil && step.amount > 0 && free < need
        var resetsAtMs: Int?
        switch step.counter.counter {
        case .budget: resetsAtMs = step.counter.span
        case .log(let windowMs), .ring(let windowMs): resetsAtMs = reading.used > 0 ? nowMs + windowMs : nil
        case .inFlight: break
        }
        self.init(
            limit: step.limit, subject: step.subject.text, amount: step.amount, source: step.source,
            used: reading.used, reserved: reading.reserved, cost: cost, resetsAtMs: resetsAtMs, key: step.counter.key,
            isExceeded: isExceeded, wouldDeny: isExceeded && entry.denies)
    }
}
