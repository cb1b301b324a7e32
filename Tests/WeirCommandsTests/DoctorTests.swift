import ArgumentParser
import Foundation
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirCommands

@Suite struct DoctorTests {
    private static var healthy: DoctorFacts {
        var facts = DoctorFacts()
        facts.info = [
            "redis_version": "7.0.15", "role": "master", "maxmemory_policy": "noeviction", "maxmemory": "0",
            "aof_enabled": "1", "aof_last_write_status": "ok",
        ]
        facts.meta = ["layout": "1", "shards": "16", "created_at": "1"]
        facts.hasLeader = true
        facts.policy = Policy(version: 3, products: [:], classes: [:], limits: [])
        facts.priceVersion = "v1"
        return facts
    }

    /// `check: level` of everything that is not ok.
    private func troubles(_ change: (inout DoctorFacts) -> Void) -> [String] {
        var facts = Self.healthy
        change(&facts)
        return Diagnosis.findings(facts).filter { $0.level != .ok }.map { "\($0.check): \($0.level)" }
    }

    @Test func `a healthy deployment has nothing to tell`() { #expect(troubles { _ in } == []) }

    @Test func `each thing that is wrong is found, and said how bad it is`() {
        #expect(troubles { $0.info["redis_version"] = "6.2.1" } == ["version: fail"])
        #expect(troubles { $0.info["redis_version"] = nil } == ["version: fail"])
        #expect(troubles { $0.info["role"] = "slave" } == ["role: fail"])
        #expect(troubles { $0.info["maxmemory_policy"] = "allkeys-lru" } == ["eviction: warn"])
        #expect(
            troubles {
                $0.info["maxmemory_policy"] = "allkeys-lru"
                $0.info["maxmemory"] = "1000"
            } == ["eviction: fail"])
        for (used, troubles) in [(799, []), (801, ["memory: warn"]), (1_000, ["memory: fail"])] {
            #expect(
                self.troubles {
                    $0.info["maxmemory"] = "1000"
                    $0.info["used_memory"] = "\(used)"
                } == troubles)
        }
        #expect(troubles { $0.info["aof_enabled"] = "0" } == ["persistence: warn"])
        #expect(troubles { $0.info["aof_last_write_status"] = "err" } == ["persistence: fail"])
        #expect(troubles { $0.clockDifferenceMs = -1_001 } == ["clock: warn"])
        #expect(troubles { $0.clockDifferenceMs = 60_001 } == ["clock: fail"])
        #expect(troubles { $0.meta = [:] } == ["meta: fail"])
        #expect(troubles { $0.meta["layout"] = "2" } == ["meta: fail"])
        #expect(troubles { $0.hasLeader = false } == ["leader: fail"])
        #expect(troubles { $0.shardsNotReady = ["{03}"] } == ["shards: fail"])
        #expect(troubles { $0.eventsWaiting = 10_001 } == ["backlog: warn"])
        #expect(troubles { $0.policy = nil } == ["policy: fail"])
        #expect(troubles { $0.policyProblem = "x" } == ["policy: fail"])
        #expect(troubles { $0.pricesProblem = "x" } == ["prices: fail"])
        #expect(troubles { $0.unpricedModels = ["m"] } == ["models: warn"])
        #expect(troubles { $0.keysWithoutEndCount = 1 } == ["ttl: warn"])
    }

    @Test func `everything that is not ok says what to do`() {
        var facts = DoctorFacts()
        facts.unpricedModels = ["m"]
        facts.keysWithoutEndCount = 2
        facts.clockDifferenceMs = 5_000
        for finding in Diagnosis.findings(facts) { #expect((finding.level == .ok) == (finding.remedy == nil)) }
    }

    @Test(arguments: [
        ("weir:{03}:window:calls:user:acme/alice", true), ("weir:{03}:budget:spend:team:acme:2026-11", true),
        ("weir:{03}:concurrency:at-once:team:acme", true), ("weir:leader", true),
        ("weir:{03}:denials:2026-11-21", true),
        ("weir:cost-guard:kill:2026-11-21", true), ("weir:{03}:epoch", false),
        ("weir:fence:{weir:policy}", true), ("weir:{03}:fence", true), ("weir:{03}:usage", false),
        ("weir:{03}:reservations", false), ("weir:meta", false), ("weir:prices", false),
        ("weir:api-key:00:window:", false), ("weir:quota-limits:ai", false),
    ])
    func `counters and marks must end, decisions must not`(key: String, mustEnd: Bool) {
        #expect(DoctorFacts.mustEnd(key) == mustEnd)
    }

    @Test func `what lies in Redis is read as it is`() async throws {
        try await withRedis { redis in
            for (key, value) in [("layout", "1"), ("shards", "2"), ("created_at", "1")] {
                try await redis.send(["HSET", .string(RedisKeys.meta), .string(key), .string(value)])
            }
            try await redis.send(["HSET", .string(RedisKeys.meta), "shards", "3"])
            try await withConnection(to: redis) { try await makeReady([Shard(number: 1)], of: $0) }
            try await redis.send(["SET", .string(RedisKeys.epoch(Shard(number: 2))), "anotherrun 1"])
            try await redis.send(["XADD", .string(RedisKeys.usage(Shard(number: 0))), "*", "event", "x"])
            try await redis.send(["SET", "weir:{00}:budget:spend:team:acme:2026-11", "1"])
            try await redis.send(["SET", "weir:{00}:budget:spend:team:acme:2026-12", "1", "EX", 100])
            try await redis.send(["SET", "weir:{00}:window:calls:team:acme", "1"])
            try await redis.send(["SET", "somebody:else", "1"])
            let policy = Policy(version: 4, products: [:], classes: [:], limits: [], ladder: ["lost-model", "gpt-4o"])
            let json = String(decoding: try JSONEncoder().encode(policy), as: UTF8.self)
            try await redis.send(["SET", .string(RedisKeys.policy), .string(json)])
            for (number, status) in ["active", "revoked"].enumerated() {
                let record = APIKeyRecord(
                    id: "k\(number)", team: "acme", models: ["model-\(status)", "gpt-4o"], isActive: status == "active")
                var command: [RedisArgument] = ["HSET", .string(RedisKeys.apiKey(sha256: "\(number)"))]
                for (name, value) in record.fields { command += [.string(name), .string(value)] }
                try await redis.send(command)
            }
            let facts = try await withConnection(to: redis) { try await DoctorReader(connection: $0).facts() }
            #expect(facts.info["redis_version"]?.isEmpty == false && facts.info["role"] == "master")
            #expect(facts.info["maxmemory_policy"] == "noeviction")
            #expect(abs(facts.clockDifferenceMs) < 60_000)
            #expect(facts.shardsNotReady == ["{00}", "{02}"] && facts.eventsWaiting == 1 && !facts.hasLeader)
            #expect(facts.policy == policy && facts.policyProblem == nil && facts.pricesProblem == nil)
            #expect(facts.unpricedModels == ["lost-model", "model-active"])
            #expect(facts.keysWithoutEndCount == 2)
            #expect(
                facts.keysWithoutEnd == [
                    "weir:{00}:budget:spend:team:acme:2026-11", "weir:{00}:window:calls:team:acme",
                ])
            #expect(facts.keysLookedAt == 11 && !facts.isScanCut)

            try await redis.send(["SET", .string(RedisKeys.prices), "{"])
            try await redis.send(["SET", .string(RedisKeys.policy), "{"])
            let broken = try await withConnection(to: redis) { try await DoctorReader(connection: $0).facts() }
            #expect(broken.policyProblem != nil && broken.pricesProblem != nil && broken.policy == nil)
        }
    }

    @Test func `the command reports it, and fails when something does`() async throws {
        try await withRedis { redis in
            let report = try await DoctorCommand.parse(["--redis", redis.url(as: .inspect)]).report()
            #expect(!report.isSuccess)
            #expect(report.text.contains("ok   redis       Redis answers at"))
            #expect(
                report.text.contains("fail meta        weir:meta is missing\n                 → start weir aggregator"))
            #expect(report.json.contains(#""ok":false"#) && report.json.contains(#""check":"eviction","level":"ok""#))
            redis.kill()
            let away = try await DoctorCommand.parse(["--redis", redis.url(as: .inspect)]).report()
            #expect(!away.isSuccess && away.text.hasPrefix("fail redis       Redis does not answer"))
        }
        #expect(try DoctorCommand.report([.ok("a", "b"), .warn("c", "d", "e")]).isSuccess)
    }
}
