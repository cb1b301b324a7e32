import Foundation
import NIOCore
import WeirCore
import WeirProviders
import WeirRedis

/// Reads from Redis what ``Diagnosis`` needs. Changes nothing.
struct DoctorReader {
    let connection: RedisConnection
    /// At most so many keys are looked at.
    var mostKeys = 200_000
    private static let deadline: Duration = .seconds(5)
    private static let mostNamed = 5

    init(connection: RedisConnection) { self.connection = connection }

    func facts() async throws -> DoctorFacts {
        var facts = DoctorFacts()
        facts.info = Self.fields(ofInfo: try await send(["INFO"]).plain ?? "")
        facts.clockDifferenceMs = try await clockDifferenceMs()
        facts.meta = try await hash(RedisKeys.meta)
        facts.hasLeader = try await send(["EXISTS", .string(RedisKeys.leader)]) == .integer(1)
        let shards = facts.meta["shards"].flatMap { Int($0) } ?? 0
        for shard in Shard.all(count: min(max(shards, 0), 100)) {
            let epoch = try await send(["GET", .string(RedisKeys.epoch(shard))]).plain ?? ""
            // An epoch that was made for another run of Redis does not count.
            if epoch.prefix(while: { $0 != " " }) != facts.info["run_id"] ?? "-" {
                facts.shardsNotReady.append(shard.tag)
            }
            if case .integer(let length) = try await send(["XLEN", .string(RedisKeys.usage(shard))]) {
                facts.eventsWaiting = facts.eventsWaiting.addingSaturated(length)
            }
        }
        if let text = try await send(["GET", .string(RedisKeys.policy)]).plain {
            do {
                facts.policy = try JSONDecoder().decode(Policy.self, from: Data(text.utf8))
            } catch { facts.policyProblem = "\(error)" }
        }
        let keyModels = try await scan(into: &facts)
        var history = try PriceHistory.shipped()
        do {
            history = try history.adding(published: try await send(["GET", .string(RedisKeys.prices)]).plain)
        } catch let error where !(error is RedisError) { facts.pricesProblem = "\(error)" }
        facts.priceVersion = history.version
        let today = UTCDay(containingMs: Int(Date().timeIntervalSince1970 * 1000))
        facts.unpricedModels = history.table(on: today).unpriced((facts.policy?.namedModels ?? []) + keyModels)
        return facts
    }

    private func clockDifferenceMs() async throws -> Int {
        let before = Date()
        guard case .array(let parts) = try await send(["TIME"]), parts.count == 2,
            let seconds = parts[0].plain.flatMap({ Int($0) }), let micros = parts[1].plain.flatMap({ Int($0) })
        else { throw RedisError.protocolViolation("TIME: not two numbers") }
        // Half of the way there and back is the best guess of when Redis looked at its clock.
        let middle = before.addingTimeInterval(Date().timeIntervalSince(before) / 2)
        return seconds * 1000 + micros / 1000 - Int(middle.timeIntervalSince1970 * 1000)
    }

    /// Goes through Weir's keys once. Returns the models that active API keys name.
    private func scan(into facts: inout DoctorFacts) async throws -> [String] {
        var cursor = "0"
        var models: [String] = []
        repeat {
            let reply = try await send(["SCAN", .string(cursor), "MATCH", "weir:*", "COUNT", 1000])
            guard case .array(let parts) = reply, parts.count == 2, let next = parts[0].plain,
                case .array(let names) = parts[1]
            else { throw RedisError.protocolViolation("SCAN: not a cursor and keys") }
            cursor = next
            let keys = names.compactMap(\.plain)
            facts.keysLookedAt += keys.count
            let endless = try await all(keys.filter(DoctorFacts.mustEnd)) { key in
                try await send(["PTTL", .string(key)]) == .integer(-1) ? key : nil
            }
            facts.keysWithoutEndCount += endless.count
            facts.keysWithoutEnd += endless.sorted().prefix(Self.mostNamed - facts.keysWithoutEnd.count)
            models += try await all(keys.filter { $0.hasPrefix(RedisKeys.apiKeyPrefix) }) { key in
                let record = APIKeyRecord(fields: try await hash(key))
                return record.flatMap { $0.isActive ? $0.models : nil }
            }.flatMap { $0 }
        } while cursor != "0" && facts.keysLookedAt < mostKeys
        facts.isScanCut = cursor != "0"
        return models
    }

    /// All questions on their way at once.
    private func all<Answer: Sendable>(
        _ keys: [String], _ body: @escaping @Sendable (String) async throws -> Answer?
    ) async throws -> [Answer] {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            for key in keys { group.addTask { try await body(key) } }
            return try await group.reduce(into: []) { answers, answer in if let answer { answers.append(answer) } }
        }
    }

    private func send(_ command: [RedisArgument]) async throws -> RedisValue {
        try await connection.send(command, deadline: Self.deadline)
    }

    private func hash(_ key: String) async throws -> [String: String] {
        guard case .array(let parts) = try await send(["HGETALL", .string(key)]) else { return [:] }
        var fields: [String: String] = [:]
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            if let name = parts[index].plain, let value = parts[index + 1].plain { fields[name] = value }
        }
        return fields
    }

    static func fields(ofInfo text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return fields
    }
}

extension RedisValue {
    /// A bulk or status reply as text.
    fileprivate var plain: String? {
        switch self {
        case .bulk(let buffer): String(buffer: buffer)
        case .status(let text): text
        case .null, .integer, .array, .error: nil
        }
    }
}
