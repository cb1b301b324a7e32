import Synchronization
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct IdentityTests {
    static let sha256 = String(repeating: "ab", count: 32)
    static let key = RedisKeys.apiKey(sha256: sha256)

    private func write(_ record: APIKeyRecord, _ node: TestNode) async throws {
        _ = try await node.redis.send(
            ["HSET", .string(Self.key)] + record.fields.flatMap { [.string($0.name), .string($0.value)] })
    }

    private func identify(_ node: TestNode) async throws -> APIKeyRecord? {
        try await node.enforcer.identify(keySHA256: Self.sha256, on: node.loop)
    }

    @Test func `a known key is who it is; an unknown, revoked, expired or damaged one is nobody`() async throws {
        let record = APIKeyRecord(id: "k1", team: "acme", user: "alice", groups: ["a"], expiresAtMs: 4_000_000_000_000)
        try await TestNode.run { (node) async throws in
            #expect(try await identify(node) == nil)
            try await write(record, node)
            try await eventually { try await identify(node) == record }
            for (field, bad, good) in [
                ("status", "revoked", "active"), ("status", "", "active"), ("expires_at", "1", "4000000000000"),
                ("expires_at", "soon", "4000000000000"), ("team", "a{b}", "acme"), ("team", "", "acme"),
                ("user", "a/b", "alice"), ("groups", "a,b c", "a"), ("id", "", "k1"),
            ] {
                try await node.send("HSET", .string(Self.key), .string(field), .string(bad))
                try await eventually("\(field) \(bad)") { try await identify(node) == nil }
                try await node.send("HSET", .string(Self.key), .string(field), .string(good))
                try await eventually("\(field) \(good)") { try await identify(node) == record }
            }
            try await node.send("DEL", .string(Self.key))
            try await eventually { try await identify(node) == nil }
            try await node.send("SET", .string(Self.key), "no hash")
            // What was kept as unknown is forgotten a moment later; then the foreign type shows.
            try await eventually("an error") {
                do {
                    _ = try await identify(node)
                    return false
                } catch is EnforcerError { return true }
            }
        }
    }

    @Test func `a revocation is seen while the node's connections are being killed all the time`() async throws {
        try await TestNode.run { (node) async throws in
            let record = APIKeyRecord(id: "k1", team: "acme")
            let isOver = Mutex(false)
            let killer = Task {
                while !isOver.withLock({ $0 }) {
                    for kind: RedisArgument in ["pubsub", "normal"] {
                        _ = try? await node.redis.send(["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])
                    }
                    // Often, and not so often that the node never reads: without Redis for too long it rightly closes.
                    try? await Task.sleep(for: .milliseconds(400))
                }
            }
            for round in 0..<10 {
                try await write(record, node)
                try await eventually("round \(round): active", within: .seconds(30)) {
                    try await identify(node) == record
                }
                try await node.send("HSET", .string(Self.key), "status", "revoked")
                try await eventually("round \(round): revoked", within: .seconds(30)) {
                    try await identify(node) == nil
                }
                // And it stays so: no read of before comes back.
                for _ in 0..<20 { if let known = try? await identify(node) { #expect(known.isActive == false) } }
            }
            isOver.withLock { $0 = true }
            await killer.value
        }
    }

    @Test func `a node that is without Redis for too long trusts nothing that it remembers`() async throws {
        try await TestNode.run(deadline: .milliseconds(200)) { (node) async throws in
            try await write(APIKeyRecord(id: "k1", team: "acme"), node)
            try await eventually { try await identify(node) != nil }
            node.server.pause()
            defer { node.server.resume() }
            try await eventually("closed", within: .seconds(20)) { node.enforcer.unreadyReason != nil }
            // What was kept as unknown is forgotten a moment later; then the foreign type shows.
            try await eventually("an error") {
                do {
                    _ = try await identify(node)
                    return false
                } catch is EnforcerError { return true }
            }
        }
    }
}

@Suite struct KeyCacheTests {
    static let record = APIKeyRecord(id: "k", team: "acme")

    private func generation(_ cache: KeyCache, _ key: String = "a") throws -> KeyCache.Generation {
        guard case .ask(let generation) = cache.answer(for: key) else { throw ConditionError() }
        return generation
    }

    private struct ConditionError: Error {}

    private func isKnown(_ cache: KeyCache, _ key: String = "a", now: ContinuousClock.Instant = .now) -> Bool {
        if case .known = cache.answer(for: key, now: now) { true } else { false }
    }

    @Test func `a record read before a revocation is never kept after it`() throws {
        let cache = KeyCache()
        cache.follow()
        for change in [{ cache.forget("a") }, { cache.forget("b") }, { cache.follow() }] {
            let before = try generation(cache)
            change()
            cache.keep(Self.record, for: "a", since: before)
            #expect(!isKnown(cache))
        }
        cache.keep(Self.record, for: "a", since: try generation(cache))
        #expect(isKnown(cache))
        cache.forget("a")
        #expect(!isKnown(cache))
    }

    @Test func `nothing is kept while nobody tells of changes`() throws {
        let cache = KeyCache()
        cache.keep(Self.record, for: "a", since: try generation(cache))
        #expect(!isKnown(cache))
        cache.follow()
        cache.keep(Self.record, for: "a", since: try generation(cache))
        #expect(isKnown(cache))
        cache.lose()
        #expect(!isKnown(cache))
        cache.keep(Self.record, for: "a", since: try generation(cache))
        #expect(!isKnown(cache))
    }

    @Test func `what was known when Redis was lost is the last known, until it changes or Redis is followed again`()
        throws
    {
        let cache = KeyCache()
        func know() throws {
            cache.follow()
            cache.keep(Self.record, for: "a", since: try generation(cache))
            cache.lose()
            #expect(!isKnown(cache) && cache.lastKnown("a") == Self.record)
        }
        #expect(cache.lastKnown("a") == nil)
        try know()
        cache.follow()
        #expect(cache.lastKnown("a") == nil)
        try know()
        cache.forget("a")
        #expect(cache.lastKnown("a") == nil)
        // A revocation that was read while nobody tells of changes.
        try know()
        cache.keep(nil, for: "a", since: try generation(cache))
        #expect(cache.lastKnown("a") == nil)
        // An answer that something changed behind says that what was known before may be wrong.
        try know()
        let before = try generation(cache)
        cache.forget("b")
        cache.keep(Self.record, for: "a", since: before)
        #expect(cache.lastKnown("a") == nil)
    }

    @Test func `known keys are asked for again after their hard age, unknown ones earlier`() throws {
        let cache = KeyCache()
        cache.follow()
        let now = ContinuousClock.now
        cache.keep(Self.record, for: "a", since: try generation(cache), now: now)
        cache.keep(nil, for: "b", since: try generation(cache, "b"), now: now)
        #expect(isKnown(cache, now: now + KeyCache.hardAge - .nanoseconds(1)))
        #expect(!isKnown(cache, now: now + KeyCache.hardAge))
        #expect(isKnown(cache, "b", now: now + KeyCache.unknownAge - .nanoseconds(1)))
        #expect(!isKnown(cache, "b", now: now + KeyCache.unknownAge))
    }

    @Test func `guessed keys take a bounded amount of memory`() throws {
        let cache = KeyCache()
        cache.follow()
        let start = try generation(cache)
        for number in 0..<KeyCache.largestCount { cache.keep(nil, for: "\(number)", since: start) }
        #expect(isKnown(cache, "0"))
        cache.keep(nil, for: "one more", since: start)
        #expect(!isKnown(cache, "0"))
        #expect(isKnown(cache, "one more"))
    }
}
