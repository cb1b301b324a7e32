import Foundation
import NIOHTTP1
import Testing
import WeirCore
import WeirLedger
import WeirProviders
import WeirRedis
import WeirTestSupport

@testable import WeirAdmin

@Suite struct ExplainAndSimulateRouteTests {
    private static let policy = """
        products:
          default: { class: ai, billable: true, resource: ai_credits }
          lookup: { class: ai, billable: false, anonymous: true }
          narrow: { class: ai, billable: true, models: [claude-haiku-4] }
        classes: { ai: {} }
        limits:
          - { id: calls, per: user, class: ai, unit: requests, window: 60s, amount: "2" }
          - { id: spend, per: user, unit: usd, period: month, amount: 50.00, groups: { contractors: 20.00 } }
          - { id: credits, per: team, resource: ai_credits, unit: usd, period: month, amount: 9, enforce: ledger }
          - { id: address, per: ip, unit: requests, window: 60s, amount: 7 }

        """

    /// With a policy, the shards ready, and a key of alice's.
    private func withKey(_ body: (AdminFixture, String) async throws -> Void) async throws {
        try await withAdmin(prices: .shipped()) { admin in
            let applied = try await admin.send(.PUT, "/admin/v1/policy", Self.policy, type: "application/yaml")
            #expect(applied.status == 200, "\(applied.body)")
            _ = try await admin.redis.send(["HSET", .string(RedisKeys.meta), "layout", "1", "shards", "16"])
            for shard in Shard.all(count: 16) {
                _ = try await admin.redis.send(["SET", .string(RedisKeys.epoch(shard)), "1"])
            }
            let made = try await admin.send(
                .POST, "/admin/v1/keys", #"{"team":"acme","user":"alice","groups":["contractors"]}"#)
            try await body(admin, try made.decoded(CreatedKey.self).description.id)
        }
    }

    private func explain(_ admin: AdminFixture, _ query: String) async throws -> ExplainAnswer {
        let answer = try await admin.send(.GET, "/admin/v1/limits/explain?" + query)
        guard answer.status == 200 else { throw AdminFixture.Problem(text: answer.body) }
        return try answer.decoded(ExplainAnswer.self)
    }

    @Test func `every limit of a call is explained, with the ledger's, for the key or its owner`() async throws {
        try await withKey { admin, key in
            _ = try await admin.ledger.ingest(
                [
                    UsageEvent(
                        id: "1", calledAtMs: Int(Date().timeIntervalSince1970 * 1000), team: "acme", user: "alice",
                        key: key, product: "default", billable: true, callClass: "ai", endpoint: "messages",
                        provider: "anthropic", requestedModel: "m", model: "m", cost: MicroUSD(micros: 1234),
                        priceVersion: "1")
                ], deadLetters: [])
            let query = "key=\(key)&model=claude-sonnet-4&input_tokens=1000&max_tokens=100&ip=192.0.2.7"
            let answer = try await explain(admin, query)
            #expect(answer.verdict.admitted && answer.verdict.model == "claude-sonnet-4")
            #expect(answer.call.team == "acme" && answer.call.product == "default" && answer.call.callClass == "ai")
            #expect(answer.limits.map(\.limit) == ["calls", "spend", "credits", "address"])
            #expect(answer.limits.map(\.amountSource) == ["default", "group:contractors", "default", "default"])
            #expect(answer.limits.map(\.used) == [0, 0, 1234, 0])
            // 1,000 tokens at 3 USD and 100 at 15 USD per million.
            #expect(answer.limits.map(\.cost) == [1, 4_500, nil, 1])
            #expect(answer.limits[1].redisKey.hasPrefix("weir:{12}:budget:spend:user:acme/alice:"))
            #expect(answer.limits[1].remaining == 20_000_000)
            let owner = try await explain(admin, "team=acme&user=alice&model=claude-sonnet-4")
            #expect(owner.call.key == key && owner.limits.map(\.limit) == ["calls", "spend", "credits"])
            let nobody = try await explain(admin, "product=lookup&model=claude-sonnet-4&ip=192.0.2.7")
            #expect(nobody.verdict.admitted && nobody.limits.first?.subject == "ip:192.0.2.7")
        }
    }

    @Test func `what denies before any limit is said as a gateway says it`() async throws {
        try await withKey { admin, key in
            func reason(_ query: String) async throws -> String? {
                try await explain(admin, query).verdict.weir?.reason
            }
            let own = "key=\(key)"
            #expect(try await reason("\(own)&model=claude-sonnet-4") == nil)
            #expect(try await reason("\(own)&product=narrow&model=claude-sonnet-4") == "model_not_allowed")
            #expect(try await reason("\(own)&model=unheard-of") == "model_unpriced")
            #expect(try await reason("\(own)&product=none&model=claude-sonnet-4") == "unknown_route")
            #expect(try await reason("\(own)&model=auto") == "invalid_request")
            #expect(try await reason("model=claude-sonnet-4") == "unauthorized")
            _ = try await admin.redis.send(["HSET", "weir:kill-switch", "team:acme", "on"])
            #expect(try await reason("\(own)&model=claude-sonnet-4") == "kill_switch")
            _ = try await admin.redis.send(["DEL", "weir:kill-switch"])
            _ = try await admin.redis.send(["ZADD", "weir:quota-limits:ai_credits", "4102444800", "acme"])
            #expect(try await reason("\(own)&model=claude-sonnet-4") == "team_limited")
            #expect(try await admin.send(.DELETE, "/admin/v1/keys/\(key)").status == 200)
            #expect(try await reason("\(own)&model=claude-sonnet-4") == "unauthorized")
        }
    }

    @Test(arguments: [
        ("model=m&key=wk_none", 404, "there is no key wk_none"),
        ("model=m&key=wk_a&team=acme", 422, "give key, or team with or without user"),
        ("model=m&user=alice", 422, "give key, or team with or without user"),
        ("key=wk_a", 422, "the parameter \"model\" is missing"),
        ("model=m&team=acme&user=bob", 404, "team acme has no key of the user bob"),
        ("model=m&ip=1.2.3", 422, #""1.2.3" is no address"#),
        ("model=m&provider=x", 422, #"provider cannot be "x""#),
        ("model=m&max_tokens=-1", 422, "max_tokens must be from 0 to 9007199254740991"),
        ("model=m&modle=n", 422, #"unknown parameter "modle""#),
    ])
    func `a question that cannot be answered says why`(query: String, status: Int, message: String) async throws {
        try await withKey { admin, _ in
            let answer = try await admin.send(.GET, "/admin/v1/limits/explain?" + query)
            #expect(answer.status == status && answer.error?.message == message, "\(answer.body)")
        }
    }

    @Test func `a proposed policy is replayed over the ledger, and nothing of it is applied`() async throws {
        try await withKey { admin, key in
            let now = Int(Date().timeIntervalSince1970 * 1000)
            let yesterday = UTCDay(containingMs: now).startMs - 3_600_000
            func event(_ id: String, _ atMs: Int, team: String = "acme") -> UsageEvent {
                UsageEvent(
                    id: id, calledAtMs: atMs, team: team, user: "alice", key: team == "acme" ? key : nil,
                    product: "default", billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic",
                    requestedModel: "claude-sonnet-4", model: "claude-sonnet-4",
                    tokens: TokenUsage(input: 1000, output: 100), cost: MicroUSD(micros: 4_500), priceVersion: "1")
            }
            let events =
                (0..<5).map { event("a\($0)", yesterday + $0) } + [event("b", yesterday, team: "globex")]
                + [event("old", yesterday - 3 * UTCDay.lengthMs)]
            _ = try await admin.ledger.ingest(events, deadLetters: [])
            func simulate(_ query: String, _ yaml: String = Self.policy) async throws -> AdminFixture.Answer {
                try await admin.send(.POST, "/admin/v1/simulate?" + query, yaml, type: "application/yaml")
            }
            let answer = try await simulate("days=2").decoded(SimulationAnswer.self)
            #expect(answer.total.calls == 6 && answer.total.denied == 3)
            #expect(answer.total.costUSD == "0.027" && answer.total.wouldCostUSD == "0.0135")
            #expect(answer.total.savedMicros == 13_500)
            #expect(answer.denials.map(\.limit) == ["calls"] && answer.denials.map(\.reason) == ["rate_limited"])
            #expect(answer.teams.map(\.name) == ["acme"] && answer.users.map(\.name) == ["acme/alice"])
            #expect(answer.days.map(\.calls) == [6])
            let one = try await simulate("days=2&team=globex").decoded(SimulationAnswer.self)
            #expect(one.total.calls == 1 && one.total.denied == 0 && one.team == "globex")

            let wrong = try await simulate(
                "days=2&name=new.yaml", Self.policy.replacing("per: user, class", with: "per: usr, class"))
            #expect(wrong.status == 422 && wrong.body.contains("new.yaml:7:"), "\(wrong.body)")
            #expect(try await simulate("days=0").status == 422)
            #expect(try await admin.ledger.currentPolicy()?.version == 1)
        }
    }
}
