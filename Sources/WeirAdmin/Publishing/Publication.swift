import NIOCore
import WeirCore
import WeirLedger
import WeirRedis

/// What the operator decided, as the nodes find it in Redis. Each step may be repeated: the second time changes nothing.
struct Publication: Sendable {
    let redis: RedisPool
    let ledger: any LedgerStore
    /// An operator waits longer than a call may.
    static let deadline: Duration = .seconds(2)

    /// What a key stands for, or that it was revoked. Asks the ledger afterwards, so that a process that stood still between
    /// the two brings no key back to life that another one has revoked meanwhile.
    func publish(_ key: LedgerKey) async throws {
        var current = key
        while true {
            var command: [RedisArgument] = ["HSET", .string(RedisKeys.apiKey(sha256: current.sha256))]
            for (name, value) in current.record.fields { command += [.string(name), .string(value)] }
            _ = try await redis.send(command, deadline: Self.deadline)
            guard let next = try await ledger.key(id: key.record.id), next.record != current.record else { return }
            current = next
        }
    }

    /// The newest policy of the ledger. Asks again afterwards, so that of two that were applied at once the newer stays.
    func publishPolicy() async throws {
        var published = 0
        while let current = try await ledger.currentPolicy(), current.version > published {
            _ = try await redis.send(
                ["SET", .string(RedisKeys.policy), .string(current.json)], deadline: Self.deadline)
            published = current.version
        }
    }

    /// What the ledger says of one override. Asks again afterwards, so that of two changes at once the later stays.
    func publishOverride(_ name: OverrideName) async throws {
        func standing() async throws -> Override? {
            try await ledger.overrides().first { $0.limit == name.limit && $0.subject == name.subject }
        }
        var current = try await standing()
        while true {
            let commands = current.map { name.publish(amount: $0.amount, untilMs: $0.untilMs) } ?? name.withdraw
            for command in commands { _ = try await redis.send(command, deadline: Self.deadline) }
            let next = try await standing()
            if next == current { return }
            current = next
        }
    }

    /// What the ledger has of added prices. Asks again afterwards, as for the policy.
    func publishPrices() async throws {
        var published = 0
        while true {
            let current = try await ledger.addedPrices()
            guard current.version > published, let text = try current.published() else { return }
            _ = try await redis.send(["SET", .string(RedisKeys.prices), .string(text)], deadline: Self.deadline)
            published = current.version
        }
    }

    // MARK: The limited set

    func limit(_ team: String, resource: String, until: Int) async throws(RedisError) {
        _ = try await redis.send(
            ["ZADD", .string(RedisKeys.limitedSet(resource: resource)), .int(until), .string(team)],
            deadline: Self.deadline)
    }

    /// False: it was not limited.
    func removeLimited(_ team: String, resource: String) async throws(RedisError) -> Bool {
        let reply = try await redis.send(
            ["ZREM", .string(RedisKeys.limitedSet(resource: resource)), .string(team)], deadline: Self.deadline)
        return reply != .integer(0)
    }

    /// The teams limited at `nowMs`, longest first, at most `count`.
    func limited(resource: String, nowMs: Int, count: Int) async throws(RedisError) -> [LimitedTeam] {
        let reply = try await redis.send(
            [
                "ZREVRANGEBYSCORE", .string(RedisKeys.limitedSet(resource: resource)), "+inf", .int(nowMs / 1000 + 1),
                "WITHSCORES", "LIMIT", 0, .int(count),
            ], deadline: Self.deadline)
        let texts = reply.texts
        return stride(from: 0, to: texts.count - 1, by: 2).map { index in
            Self.limited(texts[index], resource: resource, score: Double(texts[index + 1]) ?? .infinity)
        }
    }

    /// A score set by hand may be any number; Redis writes large ones with an exponent.
    private static func limited(_ team: String, resource: String, score: Double) -> LimitedTeam {
        LimitedTeam(resource: resource, team: team, until: score < 1e15 ? Int(score) : nil)
    }

    /// Nil if the team is not limited now.
    func limited(team: String, resource: String, nowMs: Int) async throws(RedisError) -> LimitedTeam? {
        guard let text = try await score(of: team, resource: resource) else { return nil }
        let score = Double(text) ?? .infinity
        return score > Double(nowMs / 1000) ? Self.limited(team, resource: resource, score: score) : nil
    }

    /// Until when the team is limited, as the score's text; nil if it is not in the set.
    func score(of team: String, resource: String) async throws(RedisError) -> String? {
        try await redis.send(
            ["ZSCORE", .string(RedisKeys.limitedSet(resource: resource)), .string(team)], deadline: Self.deadline
        ).text
    }

    // MARK: The kill switch

    func set(_ entry: KillSwitch.Entry, scope: KillSwitch.Scope) async throws(RedisError) {
        _ = try await redis.send(
            ["HSET", .string(RedisKeys.killSwitch), .string(scope.text), .string(entry.value)],
            deadline: Self.deadline)
    }

    func killSwitch() async throws(RedisError) -> [(scope: String, entry: KillSwitch.Entry)] {
        let texts = try await redis.send(["HGETALL", .string(RedisKeys.killSwitch)], deadline: Self.deadline).texts
        return stride(from: 0, to: texts.count - 1, by: 2).map { index in
            (texts[index], KillSwitch.Entry(value: texts[index + 1]))
        }.sorted { $0.0 < $1.0 }
    }

    // MARK: Redis itself

    /// One text; nil: there is none.
    func read(_ command: [RedisArgument]) async throws(RedisError) -> String? {
        try await redis.send(command, deadline: Self.deadline).text
    }

    /// The fields of INFO.
    func info() async throws(RedisError) -> [String: String] {
        var fields: [String: String] = [:]
        for line in (try await read(["INFO"]) ?? "").split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return fields
    }

    /// How many usage events of a shard are on their way to the ledger, and when the oldest was written, unix ms.
    func backlog(of shard: Shard) async throws(RedisError) -> (waiting: Int, oldestMs: Int?) {
        let key = RedisArgument.string(RedisKeys.usage(shard))
        guard case .integer(let waiting) = try await redis.send(["XLEN", key], deadline: Self.deadline) else {
            return (0, nil)
        }
        guard waiting > 0,
            case .array(let entries) = try await redis.send(
                ["XRANGE", key, "-", "+", "COUNT", 1], deadline: Self.deadline),
            case .array(let parts)? = entries.first, let id = parts.first?.text
        else { return (waiting, nil) }
        return (waiting, id.split(separator: "-").first.flatMap { Int($0) })
    }

    /// Redis's time, by which the nodes judge; milliseconds since 1970.
    func nowMs() async throws(RedisError) -> Int {
        let texts = try await redis.send(["TIME"], deadline: Self.deadline).texts
        guard texts.count == 2, let seconds = Int(texts[0]), let micros = Int(texts[1]) else {
            throw .protocolViolation("TIME answered \(texts)")
        }
        return seconds.multipliedSaturated(by: 1000).addingSaturated(micros / 1000)
    }
}

extension RedisValue {
    /// The text of a bulk string or status; nil for anything else.
    fileprivate var text: String? {
        switch self {
        case .bulk(let bytes): String(buffer: bytes)
        case .status(let text): text
        case .null, .integer, .array, .error: nil
        }
    }

    /// The texts of an array; what is none is empty.
    var texts: [String] {
        guard case .array(let values) = self else { return [] }
        return values.map { $0.text ?? "" }
    }
}
