import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

@Suite struct PublishTests {
    private func key(_ id: String) -> LedgerKey {
        LedgerKey(
            record: APIKeyRecord(id: id, team: "acme", user: "alice", products: ["slack_app"]), sha256: "sha-\(id)",
            createdAtMs: noonMs)
    }

    private func record(_ id: String, _ deployment: TestDeployment) async throws -> APIKeyRecord? {
        guard
            case .array(let parts) = try await deployment.send(
                "HGETALL", .string(RedisKeys.apiKey(sha256: "sha-\(id)")))
        else { return nil }
        return APIKeyRecord(fields: RedisValue.dictionary(parts))
    }

    @Test func `policy and keys are published, published again when they change, and after a loss`() async throws {
        try await TestDeployment.run { deployment in
            let aggregator = deployment.aggregator()
            try await deployment.ledger.insertKey(key("k1"), audit: testAudit)
            try await aggregator.lead()
            #expect(try await record("k1", deployment) == key("k1").record)
            #expect(try await deployment.send("GET", .string(RedisKeys.policy)) == .null)

            try await deployment.apply(credits: 1)
            try await deployment.ledger.insertKey(key("k2"), audit: testAudit)
            _ = try await deployment.ledger.revokeKey(id: "k1", audit: testAudit)
            try await aggregator.lead()
            #expect(try await record("k1", deployment)?.isActive == false)
            #expect(try await record("k2", deployment)?.isActive == true)
            let published = try await deployment.send("GET", .string(RedisKeys.policy)).words
            #expect(published == (try await deployment.ledger.currentPolicy()?.json))

            try await deployment.send("FLUSHALL")
            try await eventually("leading again") { try await aggregator.lead() }
            #expect(try await record("k1", deployment)?.isActive == false)
            #expect(try await deployment.send("GET", .string(RedisKeys.policy)).words == published)
        }
    }

    @Test func `a Redis that comes back from an old snapshot gets today's keys`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            try await deployment.ledger.insertKey(key("k1"), audit: testAudit)
            let aggregator = deployment.aggregator()
            try await aggregator.lead()
            try await deployment.send("SAVE")
            _ = try await deployment.ledger.revokeKey(id: "k1", audit: testAudit)
            try await aggregator.lead()
            #expect(try await record("k1", deployment)?.isActive == false)
            try await deployment.restartRedis()
            #expect(try await record("k1", deployment)?.isActive == true, "the snapshot must really be the old one")
            try await eventually("leading again") { try await aggregator.lead() }
            #expect(try await record("k1", deployment)?.isActive == false)
        }
    }

    @Test func `added prices are published, and again when Redis has lost or changed them`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let aggregator = deployment.aggregator()
            func published() async throws -> String? {
                try await deployment.send("GET", .string(RedisKeys.prices)).words
            }
            try await aggregator.lead()
            #expect(try await published() == nil)
            let model = ModelPrice(
                provider: "anthropic", model: "m", validFrom: UTCDay("2026-11-01"),
                price: Price(base: .init(input: 1, cacheRead: 1, cacheWrite5m: 1, cacheWrite1h: 1, output: 1)),
                contextWindow: 1, maxOutputTokens: 1, source: "test")
            _ = try await deployment.ledger.appendPrices([model], audit: testAudit)
            let expected = try AddedPrices(version: 1, models: [model]).json()
            try await aggregator.lead()
            #expect(try await published() == expected)
            for loss: [RedisArgument] in [["DEL", "weir:prices"], ["SET", "weir:prices", "x"], ["FLUSHALL"]] {
                _ = try await deployment.redis.send(loss)
                try await eventually("leading again") { try await aggregator.lead() }
                #expect(try await published() == expected)
            }
        }
    }

    @Test func `a deployment that was lost is set up again with the same shards`() async throws {
        try await TestDeployment.run { deployment in
            let aggregator = deployment.aggregator { $0.shards = 4 }
            _ = try await aggregator.ingest()
            try await deployment.send("FLUSHALL")
            try await eventually("leading again") { try await aggregator.lead() }
            #expect(try await deployment.send("HGET", .string(RedisKeys.meta), "shards").words == "4")
            // Somebody else has set it up otherwise: going on would read the wrong streams.
            try await deployment.send("HSET", .string(RedisKeys.meta), "shards", "5")
            let error = await #expect(throws: AggregatorError.self) { try await aggregator.lead() }
            #expect(error?.isFatal == true)
        }
    }

    @Test func `a deployment is born once, and one of another layout is refused`() async throws {
        try await TestDeployment.run { deployment in
            _ = try await deployment.aggregator().ingest()
            let meta = try await deployment.send("HGETALL", .string(RedisKeys.meta))
            _ = try await deployment.aggregator { $0.shards = 4 }.ingest()
            #expect(try await deployment.send("HGETALL", .string(RedisKeys.meta)) == meta)
            try await deployment.send("HSET", .string(RedisKeys.meta), "layout", "2")
            let error = await #expect(throws: AggregatorError.self) { try await deployment.aggregator().ingest() }
            guard case .misconfigured? = error else { throw error ?? AggregatorError.cancelled }
        }
    }

    @Test func `a shard is opened after its budgets hold what the ledger knows`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let shard = Shard(of: "acme")
            let tokens = "weir:\(shard.tag):budget:day-tokens:user:acme/alice:2026-11-21"
            let spend = "weir:\(shard.tag):budget:team-spend:team:acme:2026-11"
            try await deployment.produce(
                event("1", cost: 7, input: 30), event("2", user: nil, cost: 5, input: 9),
                event("3", product: "search", cost: 2, input: 1),
                event("4", cost: 1, input: 4, atMs: noonMs - UTCDay.lengthMs))
            let aggregator = deployment.aggregator()
            // Redis holds events that the ledger does not have yet: not ready.
            try await aggregator.lead()
            #expect(try await deployment.send("EXISTS", .string(RedisKeys.epoch(shard))) == .integer(0))
            while try await !aggregator.ingest().isEmpty {}
            try await aggregator.lead()
            let epoch = try await deployment.send("GET", .string(RedisKeys.epoch(shard)))
            #expect(epoch != .null)
            for other in Shard.all(count: 16) {
                #expect(try await deployment.send("EXISTS", .string(RedisKeys.epoch(other))) == .integer(1))
            }
            #expect(try await deployment.send("HGET", .string(tokens), "settled").words == "30")
            #expect(try await deployment.send("HGET", .string(spend), "settled").words == "15")
            #expect(
                try await deployment.send("PEXPIRETIME", .string(tokens)) == .integer(dayEndS * 1000 + UTCDay.lengthMs))

            // Nothing is touched any more, whatever is settled since.
            try await deployment.send("HINCRBY", .string(spend), "settled", "100")
            try await deployment.produce(event("5", cost: 1_000))
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.send("HGET", .string(spend), "settled").words == "115")
            #expect(try await deployment.send("GET", .string(RedisKeys.epoch(shard))) == epoch)
        }
    }

    @Test func `budgets per product and of everybody come back from the ledger, too`() async throws {
        try await TestDeployment.run { deployment in
            var policy = testPolicy()
            policy.limits = [
                Limit(id: "product-spend", per: .product, unit: .usd, span: .period(.month), amount: 100),
                Limit(
                    id: "all-ai", per: .global, unit: .tokens, span: .period(.day), match: .init(classes: ["ai"]),
                    amount: 100),
                Limit(id: "ip-spend", per: .ip, unit: .usd, span: .period(.month), amount: 100),
            ]
            _ = try await deployment.ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
            _ = try await deployment.ledger.ingest(
                [
                    event("1", team: "a", cost: 7, input: 30), event("2", team: "b", cost: 5, input: 9),
                    event("3", team: "b", product: "search", cost: 2, input: 1),
                    event("4", cost: 1, input: 4, atMs: noonMs - UTCDay.lengthMs),
                ], deadLetters: [])
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            for (subject, limit, period, settled) in [
                ("product:slack_app", "product-spend", "2026-11", "13"),
                ("product:search", "product-spend", "2026-11", "2"), ("global", "all-ai", "2026-11-21", "39"),
            ] {
                let key = "weir:\(Shard(of: subject).tag):budget:\(limit):\(subject):\(period)"
                #expect(try await deployment.send("HGET", .string(key), "settled").words == settled, "\(key)")
            }
        }
    }

    @Test func `budgets per key and per group come back from the ledger's events`() async throws {
        try await TestDeployment.run { deployment in
            var policy = testPolicy()
            policy.limits = [
                Limit(id: "key-spend", per: .key, unit: .usd, span: .period(.month), amount: 100),
                Limit(id: "group-calls", per: .group, unit: .requests, span: .period(.day), amount: 100),
            ]
            _ = try await deployment.ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
            for (id, groups) in [("k1", ["g", "h"]), ("k2", ["g"]), ("k3", [])] {
                let record = APIKeyRecord(id: id, team: "acme", groups: groups)
                try await deployment.ledger.insertKey(
                    LedgerKey(record: record, sha256: id, createdAtMs: noonMs), audit: testAudit)
            }
            var events: [UsageEvent] = []
            for (number, key) in ["k1", "k1", "k2", "k3", nil].enumerated() {
                var made = event("e\(number)", cost: 10 + number)
                made.key = key
                events.append(made)
            }
            var yesterday = event("y", cost: 5, atMs: noonMs - UTCDay.lengthMs)
            yesterday.key = "k2"
            _ = try await deployment.ledger.ingest(events + [yesterday], deadLetters: [])
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            let tag = Shard(of: "acme").tag
            for (key, settled) in [
                ("key-spend:key:k1:2026-11", "21"), ("key-spend:key:k2:2026-11", "17"),
                ("key-spend:key:k3:2026-11", "13"), ("group-calls:group:acme/g:2026-11-21", "3"),
                ("group-calls:group:acme/h:2026-11-21", "2"),
            ] {
                let budget = "weir:\(tag):budget:\(key)"
                #expect(try await deployment.send("HGET", .string(budget), "settled").words == settled, "\(key)")
            }
        }
    }

    @Test func `overrides are published until they end, taken back with the ledger's, and never one set by hand`()
        async throws
    {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            // The server's own clock decides what has ended.
            let aggregator = deployment.aggregator(clock: nil)
            func value(_ subject: String) async throws -> String? {
                try await deployment.send("GET", .string("weir:override:team-spend:\(subject)")).words
            }
            func set(_ subject: String, _ amount: Int, untilMs: Int? = nil) async throws {
                try await deployment.ledger.setOverride(
                    Override(limit: "team-spend", subject: subject, amount: amount, untilMs: untilMs), audit: testAudit)
            }
            try await set("team:a", 5)
            try await set("team:b", 6, untilMs: 4_000_000_000_000)
            try await set("team:over", 7, untilMs: noonMs)
            try await deployment.send("SET", "weir:override:team-spend:team:by-hand", "9")
            try await aggregator.lead()
            for _ in 0..<2 {
                #expect(try await value("team:a") == "5")
                #expect(try await value("team:b") == "6")
                #expect(
                    try await deployment.send("PEXPIRETIME", "weir:override:team-spend:team:b")
                        == .integer(4_000_000_000_000))
                #expect(try await value("team:over") == nil)
                #expect(try await value("team:by-hand") == "9")
                // Redis loses everything, and the ledger's come back; what was set by hand does not.
                try await deployment.send("FLUSHALL")
                try await deployment.send("SET", "weir:override:team-spend:team:by-hand", "9")
                try await eventually("leading again") { try await aggregator.lead() }
            }
            // A removal that did not reach Redis at first.
            _ = try await deployment.ledger.removeOverride(
                limit: "team-spend", subject: "team:a", audit: testAudit)
            try await aggregator.lead()
            #expect(try await value("team:a") == nil)
            #expect(try await value("team:b") == "6")
            #expect(try await value("team:by-hand") == "9")
            #expect(
                try await deployment.send("SISMEMBER", .string(RedisKeys.overridesOfLedger), "team-spend:team:b")
                    == .integer(1))
            #expect(try await deployment.send("SCARD", .string(RedisKeys.overridesOfLedger)) == .integer(1))
        }
    }

    @Test func `a shard that lost its epoch is seeded again without ever lowering a budget`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply()
            let shard = Shard(of: "acme")
            let spend = "weir:\(shard.tag):budget:team-spend:team:acme:2026-11"
            try await deployment.produce(event("1", cost: 7))
            let aggregator = deployment.aggregator()
            while try await !aggregator.ingest().isEmpty {}
            try await aggregator.lead()
            for (stands, expected) in [("3", "7"), ("9", "9")] {
                try await deployment.send("DEL", .string(RedisKeys.epoch(shard)))
                try await deployment.send("HSET", .string(spend), "settled", .string(stands), "reserved", "2")
                try await aggregator.lead()
                #expect(try await deployment.send("HGET", .string(spend), "settled").words == expected)
                // No call lives that could hold anything.
                #expect(try await deployment.send("HGET", .string(spend), "reserved").words == "0")
                #expect(try await deployment.send("EXISTS", .string(RedisKeys.epoch(shard))) == .integer(1))
            }
        }
    }

    @Test func `without a policy no shard is opened`() async throws {
        try await TestDeployment.run { deployment in
            let aggregator = deployment.aggregator()
            _ = try await aggregator.ingest()
            try await aggregator.lead()
            #expect(try await deployment.send("EXISTS", .string(RedisKeys.epoch(Shard(number: 0)))) == .integer(0))
        }
    }
}
