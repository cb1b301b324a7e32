import Logging
import NIOCore
import Synchronization
import WeirCore
import WeirRedis

/// The amounts that differ from policy, as far as this node's calls need them: asked of Redis once, then kept until Redis
/// tells of a change.
final class Overrides: Sendable {
    fileprivate struct Amount: Sendable {
        let amount: Int
        /// Milliseconds since 1970; nil: for good.
        let untilMs: Int?
    }

    /// Longer than for API keys: most subjects have none, and callers that come once a minute must not ask each time.
    static let hardAge: Duration = .seconds(300)
    static let largestCount = 100_000

    private let cache = TrackedCache<OverrideName, Amount>(
        knownAge: hardAge, unknownAge: hardAge, largestCount: largestCount)
    /// What was complained of already: once for each value that somebody wrote.
    private let unreadable = Mutex<Set<OverrideName>>([])
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// What has to be asked of Redis before a call's amounts are known.
    struct Question: Sendable {
        fileprivate let names: [OverrideName]
        fileprivate var known: [Int: Amount]
        fileprivate let missing: [Int]
        fileprivate let generation: TrackedCache<OverrideName, Amount>.Generation
    }

    enum Answer: Sendable { case known([Int: Int]), ask(Question) }

    /// The overridden amounts, by place in `names`, from memory; most often none.
    func answer(for names: [OverrideName], nowMs: Int) -> Answer {
        let (known, missing, generation) = cache.answers(for: names)
        if missing.isEmpty { return .known(Self.inForce(known, nowMs: nowMs)) }
        return .ask(Question(names: names, known: known, missing: missing, generation: generation))
    }

    /// The overridden amounts that are in memory, by place in `names`, whatever their age.
    func lastKnown(for names: [OverrideName], nowMs: Int) -> [Int: Int] {
        var known: [Int: Amount] = [:]
        for (place, name) in names.enumerated() { known[place] = cache.lastKnown(name) }
        return Self.inForce(known, nowMs: nowMs)
    }

    /// The overridden amounts, from memory or Redis, by place in `names`.
    func amounts(
        for names: [OverrideName], nowMs: Int, on connection: RedisConnection
    ) async throws(RedisError) -> [Int: Int] {
        switch answer(for: names, nowMs: nowMs) {
        case .known(let known): known
        case .ask(let question): try await ask(question, nowMs: nowMs, on: connection)
        }
    }

    /// Asks for what is missing, in one round trip (and for the end of each override that there is).
    func ask(
        _ question: Question, nowMs: Int, on connection: RedisConnection
    ) async throws(RedisError) -> [Int: Int] {
        var known = question.known
        let read = try await read(question.missing.map { question.names[$0] }, on: connection)
        for (place, amount) in zip(question.missing, read) {
            cache.keep(amount, for: question.names[place], since: question.generation)
            known[place] = amount
        }
        return Self.inForce(known, nowMs: nowMs)
    }

    private static func inForce(_ known: [Int: Amount], nowMs: Int) -> [Int: Int] {
        if known.isEmpty { return [:] }
        return known.compactMapValues { known in
            if let untilMs = known.untilMs, untilMs <= nowMs { nil } else { known.amount }
        }
    }

    private func read(_ names: [OverrideName], on connection: RedisConnection) async throws(RedisError) -> [Amount?] {
        guard case .array(let values) = try await connection.send(["MGET"] + names.map { .string($0.key) }),
            values.count == names.count
        else { throw .protocolViolation("MGET: not one value for each key") }
        var amounts: [Amount?] = []
        for (name, value) in zip(names, values) {
            guard let text = value.text else {
                amounts.append(nil)
                continue
            }
            guard let amount = OverrideName.amount(text) else {
                complain(name)
                amounts.append(nil)
                continue
            }
            // Redis removes a key some time after its end, so the end itself is asked for.
            guard case .integer(let untilMs) = try await connection.send(["PEXPIRETIME", .string(name.key)]) else {
                throw .protocolViolation("PEXPIRETIME: no number")
            }
            // -2: gone meanwhile; -1: no end.
            amounts.append(untilMs == -2 ? nil : Amount(amount: amount, untilMs: untilMs < 0 ? nil : untilMs))
        }
        return amounts
    }

    private func complain(_ name: OverrideName) {
        let isNew = unreadable.withLock { unreadable in
            if unreadable.count >= 1000 { unreadable.removeAll() }
            return unreadable.insert(name).inserted
        }
        guard isNew else { return }
        logger.error(
            "an override is no whole number, so the policy's amount holds: write digits, in micro-dollars for money",
            metadata: ["key": "\(name.key)"])
    }

    /// - Parameter key: of Redis.
    func forget(key: String) {
        guard let name = OverrideName(text: key.dropFirst(RedisKeys.overridePrefix.count)) else { return }
        cache.forget(name)
        unreadable.withLock { _ = $0.remove(name) }
    }

    func follow() { cache.follow() }
    func doubt() { cache.doubt() }
    func lose() { cache.lose() }
}
