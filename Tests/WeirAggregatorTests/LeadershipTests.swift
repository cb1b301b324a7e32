import Synchronization
import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

@Suite struct LeadershipTests {
    private static func leadership(
        _ name: String, _ deployment: TestDeployment, lease: Duration = .seconds(600)
    ) -> Leadership {
        Leadership(
            redis: AggregatorRedis(pool: deployment.pool, deadline: .seconds(10), fixedNowMs: { noonMs }),
            ledger: deployment.ledger, name: name, lease: lease, logger: .silent)
    }

    @Test func `one leads at a time, and another one when it resigns or dies`() async throws {
        try await TestDeployment.run { deployment in
            let one = Self.leadership("one", deployment)
            let two = Self.leadership("two", deployment)
            #expect(try await one.step()?.token == 1)
            #expect(try await one.step()?.token == 1)
            #expect(try await two.step() == nil)
            let first = try await deployment.send("GET", .string(RedisKeys.leader)).words
            #expect(first == "one 1 \(noonMs / 1000)")
            try await one.resign()
            #expect(try await two.step()?.token == 2)
            #expect(try await one.step() == nil)
            // Its lease ends, as after a crash.
            try await deployment.send("DEL", .string(RedisKeys.leader))
            #expect(try await one.step()?.token == 3)
            #expect(try await two.step() == nil)
            #expect(try await deployment.send("GET", .string(RedisKeys.leader)).words == "one 3 \(noonMs / 1000)")
            // Whoever does not lead cannot resign for the one who does.
            try await two.resign()
            #expect(try await one.step()?.token == 3)
        }
    }

    @Test func `tokens grow when Redis loses everything, and when the ledger comes back from a backup`() async throws {
        try await TestDeployment.run { deployment in
            #expect(try await Self.leadership("one", deployment).step()?.token == 1)
            try await deployment.send("FLUSHALL")
            #expect(try await Self.leadership("two", deployment).step()?.token == 2)
            // The ledger knows of two leaders, Redis of more.
            try await deployment.send("SET", .string(RedisKeys.fence(of: RedisKeys.leader)), "41")
            try await deployment.send("DEL", .string(RedisKeys.leader))
            #expect(try await Self.leadership("three", deployment).step()?.token == 42)
            try await deployment.send("SET", .string(RedisKeys.fence(of: RedisKeys.leader)), "no token")
            try await deployment.send("DEL", .string(RedisKeys.leader))
            #expect(try await Self.leadership("four", deployment).step()?.token == 43)
        }
    }

    @Test func `whoever has let its lease run out does not lead on, even if nobody else has led`() async throws {
        try await TestDeployment.run { deployment in
            let one = Self.leadership("one", deployment, lease: .milliseconds(30))
            let leader = try #require(try await one.step())
            try await eventually("its own clock says so") { !leader.lease.isHeld(token: leader.token) }
            await #expect(throws: AggregatorError.fenced) { try await leader.write(["SET", "weir:policy", "late"]) }
            try await eventually("leading by a new token") { try await one.step()?.token ?? 0 > 1 }
        }
    }

    @Test func `a write with an earlier token changes nothing, of whatever kind it is`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let redis = AggregatorRedis(pool: deployment.pool, deadline: .seconds(10), fixedNowMs: { noonMs })
            let lease = LeaderLease()
            lease.hold(token: 1, until: .now + .seconds(600))
            let old = Leader(redis: redis, token: 1, lease: lease)
            let shard = Shard(of: "acme")
            let reservations = RedisKeys.reservations(shard)
            let set = RedisKeys.limitedSet(resource: "ai_credits")
            try await old.write(["ZADD", .string(set), "5", "acme"])
            // Its successor finds everything as it should be, and claims what there is.
            let next = deployment.aggregator("next")
            _ = try await deployment.ledger.nextLeaderToken(above: 1, name: "x", atMs: noonMs)
            try await next.lead()
            let before = try await deployment.everything()
            func expectRefused(_ body: () async throws -> Void) async {
                await #expect(throws: AggregatorError.fenced) { try await body() }
            }
            await expectRefused { try await old.write(["SET", .string(RedisKeys.policy), "{}"]) }
            await expectRefused { try await old.write(["HSET", .string(RedisKeys.killSwitch), "global", "1"]) }
            await expectRefused { try await old.write(["ZADD", .string(set), "9", "acme"]) }
            await expectRefused { try await old.write(["SET", .string(RedisKeys.publishedRevision), "9"]) }
            await expectRefused {
                try await old.run(
                    ScriptCatalogue.unlimit, keys: [set, RedisKeys.fence(of: set)], arguments: [1, "acme", 5, 0])
            }
            await expectRefused {
                try await old.run(
                    ScriptCatalogue.open,
                    keys: [RedisKeys.epoch(shard), RedisKeys.usage(shard), RedisKeys.fence(shard), reservations],
                    arguments: [1, "", 7, "1-x"])
            }
            await expectRefused {
                try await old.run(
                    ScriptCatalogue.close, keys: [RedisKeys.epoch(shard), RedisKeys.fence(shard)], arguments: [1])
            }
            await expectRefused {
                try await old.run(
                    ScriptCatalogue.seed,
                    keys: [RedisKeys.epoch(shard), "weir:\(shard.tag):budget:x", RedisKeys.fence(shard), reservations],
                    arguments: [9, 9_000_000_000_000, 1])
            }
            await expectRefused {
                try await old.run(
                    ScriptCatalogue.restore,
                    keys: [RedisKeys.epoch(shard), "weir:\(shard.tag):budget:x", RedisKeys.fence(shard), reservations],
                    arguments: ["", 0, 9, 9_000_000_000_000, 1])
            }
            #expect(try await deployment.everything() == before)
        }
    }

    @Test func `F-A4: a leader that was paused beyond its lease changes nothing when it wakes`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(credits: 10)
            let key = APIKeyRecord(id: "k1", team: "acme")
            try await deployment.ledger.insertKey(
                LedgerKey(record: key, sha256: "aa", createdAtMs: noonMs, revokedAtMs: nil), audit: testAudit)
            var refused = 0
            // Paused at its first read of the ledger, its second, and so on through a whole step.
            for pause in 0..<12 {
                try await deployment.send("FLUSHALL")
                let ledger = FaultyLedger(deployment.ledger)
                ledger.pause(at: pause)
                let old = deployment.aggregator("old", ledger: ledger)
                let isDone = Atomic<Bool>(false)
                let work = Task {
                    defer { isDone.store(true, ordering: .relaxed) }
                    return try await old.lead()
                }
                try await eventually("paused, or done") { ledger.isPaused || isDone.load(ordering: .relaxed) }
                guard ledger.isPaused else {
                    _ = try await work.value
                    continue
                }
                // Its lease ends; another one leads, and the world goes on.
                try await deployment.send("DEL", .string(RedisKeys.leader))
                let next = deployment.aggregator("next")
                _ = try await next.ingest()
                try await deployment.apply(credits: 1_000 + pause)
                _ = try await deployment.ledger.revokeKey(id: "k1", audit: testAudit)
                try await next.lead()
                try await next.lead()
                let before = try await deployment.everything()
                ledger.resume()
                if try await !work.value { refused += 1 }
                #expect(try await deployment.everything() == before, "paused at read \(pause)")
            }
            #expect(refused > 4, "it was paused while it led")
            try FaultReport(
                "F-A4", invariant: "a paused leader changes nothing when it wakes", bound: "0 keys changed",
                measured: "0 keys changed, \(refused) steps refused"
            ).report()
        }
    }

    @Test func `another one leads soon after the leader has died`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            func start(_ name: String) -> Task<Void, any Error> {
                let aggregator = deployment.aggregator(name, clock: nil) { $0.leaderLease = .seconds(3) }
                return Task { try await aggregator.run() }
            }
            let first = start("one")
            func leads(_ name: String) async throws -> Bool {
                try await deployment.send("GET", .string(RedisKeys.leader)).words?.hasPrefix(name + " ") ?? false
            }
            try await eventually("one leads") { try await leads("one") }
            let second = start("two")
            // Cancelling resigns; a killed process leaves its lease.
            first.cancel()
            _ = await first.result
            try await deployment.send("SET", .string(RedisKeys.leader), "one 1 0", "PX", "3000")
            let died = ContinuousClock.now
            try await eventually("two leads", within: .seconds(10)) { try await leads("two") }
            #expect(died.duration(to: .now) < .seconds(10))
            second.cancel()
            _ = await second.result
        }
    }
}
