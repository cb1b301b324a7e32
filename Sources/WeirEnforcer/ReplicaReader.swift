import Foundation
import Logging
import NIOCore
import WeirCore
import WeirRedis

/// Reads from Redis what a node keeps in memory.
struct ReplicaReader {
    let connection: RedisConnection
    let shards: [Shard]
    let shippedPrices: PriceHistory?
    let clock: RedisClock
    let logger: Logger

    /// Published text that this node cannot read, and no earlier one to stay with.
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads everything. Where the published policy or prices cannot be read, those known stay in force, and the snapshot
    /// says so. While Redis is being filled again, so do switches and limited teams that it does not have (yet).
    ///
    /// - Throws: ``EnforcerError/outage(reason:)`` if Redis has lost the policy that it had.
    func read(known: Replica.Snapshot) async throws -> Replica.Snapshot {
        try await learnTime()
        let wasReady = try await isReady()
        var inForce: PolicyInForce?
        var problem: String?
        do {
            inForce = try await policy(known: known.inForce)
        } catch let error as Unreadable {
            guard let known = known.inForce else { throw error }
            (inForce, problem) = (known, error.description)
        }
        guard inForce != nil || known.inForce == nil else {
            throw EnforcerError.outage(reason: "Redis has lost what it held, and is being filled again")
        }
        var killSwitch = try await killSwitch()
        let resources = Set(inForce?.policy.products.values.compactMap(\.resource) ?? [])
        var limited: [String: [String: Int]] = [:]
        for resource in resources { limited[resource] = try await self.limited(resource: resource) }
        // They are put back before a shard is made ready. Asked on both sides, lest it was emptied in between.
        let isReady = try await isReady()
        if !wasReady || !isReady {
            killSwitch.merge(known.killSwitch) { read, _ in read }
            for resource in resources {
                limited[resource, default: [:]].merge(known.limited[resource] ?? [:]) { read, _ in read }
            }
        }
        return Replica.Snapshot(
            inForce: inForce, policyProblem: problem, killSwitch: killSwitch, limited: limited,
            prices: try await prices(known: known.prices))
    }

    /// Whether every shard is ready, in this run of Redis: an old snapshot has switches and limited teams of its time.
    private func isReady() async throws -> Bool { try await connection.areReady(shards) }

    private func learnTime() async throws {
        guard case .array(let parts) = try await connection.send(["TIME"]), parts.count == 2,
            let seconds = parts[0].text.flatMap({ Int($0) }), let micros = parts[1].text.flatMap({ Int($0) })
        else { throw RedisError.protocolViolation("TIME: not two numbers") }
        clock.learn(redisMs: seconds * 1000 + micros / 1000)
    }

    private func policy(known: PolicyInForce?) async throws -> PolicyInForce? {
        guard let text = try await connection.send(["GET", .string(RedisKeys.policy)]).text else { return nil }
        if let known, known.published == text { return known }
        do {
            return PolicyInForce(try JSONDecoder().decode(Policy.self, from: Data(text.utf8)), published: text)
        } catch {
            throw Unreadable(description: "the published policy cannot be read: \(error)")
        }
    }

    private func prices(known: PricesInForce?) async throws -> PricesInForce? {
        guard let shippedPrices else { return nil }
        let published = try await connection.send(["GET", .string(RedisKeys.prices)]).text
        let today = UTCDay(containingMs: clock.nowMs)
        if let known, known.published == published, known.day == today, known.problem == nil { return known }
        do {
            return PricesInForce(
                history: try shippedPrices.adding(published: published), published: published, day: today)
        } catch {
            let problem = "the published prices cannot be read: \(error)"
            guard let known else { throw Unreadable(description: problem) }
            return PricesInForce(history: known.history, published: known.published, day: today, problem: problem)
        }
    }

    private func killSwitch() async throws -> [KillSwitch.Scope: KillSwitch.Entry] {
        var entries: [KillSwitch.Scope: KillSwitch.Entry] = [:]
        for (field, value) in try await connection.send(["HGETALL", .string(RedisKeys.killSwitch)]).pairs {
            guard let scope = KillSwitch.Scope(field) else {
                logger.error(
                    "the kill switch has a scope that is none, so it stops nothing: use global, class:x, product:x, team:x or model:x",
                    metadata: ["field": "\(field)"])
                continue
            }
            entries[scope] = KillSwitch.Entry(value: value)
        }
        return entries
    }

    /// Teams whose end lies ahead; milliseconds since 1970.
    private func limited(resource: String) async throws -> [String: Int] {
        let reply = try await connection.send(
            [
                "ZRANGEBYSCORE", .string(RedisKeys.limitedSet(resource: resource)),
                .string("(\(clock.nowMs / 1000 - 1)"),
                "+inf", "WITHSCORES",
            ], deadline: .seconds(2))
        var teams: [String: Int] = [:]
        for (team, score) in reply.pairs { teams[team] = Self.milliseconds(score: score) }
        return teams
    }

    /// What stands for "without end": the year 9999 and all beyond.
    static let endlessMs = 253_370_764_800_000

    /// A score is seconds, maybe with a fraction, maybe `inf`: text that `ZADD` takes.
    static func milliseconds(score: String) -> Int {
        guard let seconds = Double(score), !seconds.isNaN else { return endlessMs }
        let ms = (seconds * 1000).rounded(.up)
        return ms >= Double(endlessMs) ? endlessMs : ms <= 0 ? 0 : Int(ms)
    }
}

extension RedisValue {
    /// A bulk or status reply as text.
    var text: String? {
        switch self {
        case .bulk(let buffer): String(buffer: buffer)
        case .status(let text): text
        default: nil
        }
    }

    /// The reply of HGETALL or of a range WITHSCORES: names and values in turn.
    var pairs: [(String, String)] {
        guard case .array(let values) = self else { return [] }
        return stride(from: 0, to: values.count - 1, by: 2).compactMap { i in
            guard let name = values[i].text, let value = values[i + 1].text else { return nil }
            return (name, value)
        }
    }
}
