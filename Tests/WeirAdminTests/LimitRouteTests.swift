import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@Suite struct LimitRouteTests {
    private func withLimits(_ body: (AdminFixture) async throws -> Void) async throws {
        try await withAdmin { admin in
            let text = """
                products: { slack_app: { class: ai, billable: true, resource: ai_credits, aliases: [slack-bot] } }
                classes: { ai: {} }
                limits:
                  - { id: spend, per: user, unit: usd, period: month, amount: 50.00, groups: { contractors: 20.00 } }
                  - { id: credits, per: team, resource: ai_credits, unit: usd, period: month, amount: 9, enforce: ledger }
                  - { id: product-calls, per: product, unit: requests, window: 60s, amount: 5 }
                  - { id: ip-calls, per: ip, class: ai, unit: requests, window: 60s, amount: 5 }
                  - { id: at-once, per: global, unit: concurrency, amount: 8 }
                """
            let answer = try await admin.send(.PUT, "/admin/v1/policy", text, type: "application/yaml")
            #expect(answer.status == 200, "\(answer.body)")
            for (team, user) in [("acme", "alice"), ("acme", "42"), ("globex", "alice")] {
                let key = try await admin.send(
                    .POST, "/admin/v1/keys", #"{"team":"\#(team)","user":"\#(user)","groups":["contractors"]}"#)
                #expect(key.status == 201)
            }
            try await body(admin)
        }
    }

    private func put(_ admin: AdminFixture, _ body: String, method: HTTPMethod = .PUT) async throws
        -> AdminFixture.Answer
    {
        try await admin.send(method, "/admin/v1/overrides", body, headers: [("weir-actor", "ann")])
    }

    private func value(_ admin: AdminFixture, _ name: String) async throws -> String {
        try await admin.redisText(["GET", .string("weir:override:" + name)])
    }

    @Test func `an override is set, in force in Redis, listed, changed and taken back`() async throws {
        try await withLimits { admin in
            let until = Int(Date().timeIntervalSince1970) + 3_600
            let set = try await put(
                admin, #"{"limit":"spend","subject":"user:42","amount":75000000,"until":\#(until),"reason":"why"}"#)
            #expect(set.status == 200, "\(set.body)")
            let description = try set.decoded(OverrideDescription.self)
            #expect((description.subject, description.unit) == ("user:acme/42", "usd"))
            #expect((description.until, description.reason, description.actor) == (until, "why", "ann"))
            #expect(try await value(admin, "spend:user:acme/42") == "75000000")
            #expect(
                try await admin.redisText(["PEXPIRETIME", "weir:override:spend:user:acme/42"]) == "\(until * 1000)")
            let listed = try await admin.send(.GET, "/admin/v1/overrides?limit_id=spend").decoded(OverrideList.self)
            #expect(listed.overrides == [description])
            #expect(
                try await admin.send(.GET, "/admin/v1/overrides?subject=global").decoded(OverrideList.self)
                    .overrides.isEmpty)
            let limits = try await admin.send(.GET, "/admin/v1/limits").decoded(LimitList.self)
            #expect(limits.policyVersion == 1 && limits.overrides == [description])
            #expect(limits.limits.map(\.id) == ["spend", "credits", "product-calls", "ip-calls", "at-once"])
            #expect(limits.limits[0].groups == ["contractors": 20_000_000] && limits.limits[0].period == "month")
            #expect(limits.limits[2].windowMs == 60_000 && limits.limits[4].period == nil)

            let changed = try await put(
                admin, #"{"limit":"spend","subject":"user:acme/42","amount":0}"#, method: .POST)
            #expect(try changed.decoded(OverrideDescription.self).until == nil)
            #expect(try await value(admin, "spend:user:acme/42") == "0")
            #expect(try await admin.redisText(["PEXPIRETIME", "weir:override:spend:user:acme/42"]) == "-1")

            let unset = try await put(admin, #"{"limit":"spend","subject":"user:42","amount":null}"#)
            #expect(try unset.decoded(OverrideRemoved.self).removed)
            #expect(try await value(admin, "spend:user:acme/42") == "nil")
            let again = try await admin.send(.DELETE, "/admin/v1/overrides/spend/user%3Aacme%2F42")
            #expect(try again.decoded(OverrideRemoved.self).removed == false)
            #expect(try await admin.ledger.overrides().isEmpty)

            let audit = try await admin.ledger.audit(limit: 3)
            #expect(audit.map(\.action) == ["override.unset", "override.set", "override.set"])
            #expect(audit[2].subject == "spend:user:acme/42" && audit[2].after == "75000000 until \(until)")
            #expect(audit[1].before == "75000000 until \(until)" && audit[1].after == "0")
            #expect(audit[0].before == "0" && audit[2].reason == "why" && audit[2].actor == "ann")
        }
    }

    @Test func `whoever a limit counts can be given an amount, an address as its network, a product by its alias`()
        async throws
    {
        try await withLimits { admin in
            for (limit, subject, name) in [
                ("credits", "team:acme", "credits:team:acme"), ("spend", "key:wk_1", "spend:key:wk_1"),
                ("product-calls", "product:slack-bot", "product-calls:product:slack_app"),
                ("ip-calls", "ip:2001:db8::7", "ip-calls:ip:2001:db8::/64"),
                ("ip-calls", "ip:::ffff:192.0.2.7", "ip-calls:ip:192.0.2.7"), ("at-once", "global", "at-once:global"),
            ] {
                let answer = try await put(admin, #"{"limit":"\#(limit)","subject":"\#(subject)","amount":3}"#)
                #expect(answer.status == 200, "\(answer.body)")
                #expect(try await value(admin, name) == "3", "\(name)")
            }
        }
    }

    static let mistakes: [(fields: String, status: Int, message: String, hint: String)] = [
        (
            #""limit":"spent","subject":"global","amount":1"#, 404, "there is no limit \"spent\"",
            "limits: spend, credits"
        ),
        (
            #""limit":"spend","subject":"user:alice","amount":1"#, 422, "the teams acme, globex each have a user alice",
            "name one: user:acme/alice or user:globex/alice"
        ),
        (
            #""limit":"spend","subject":"user:bob","amount":1"#, 422, "no API key is of a user bob",
            "name the team, too: user:TEAM/bob"
        ),
        (
            #""limit":"spend","subject":"team:acme","amount":1"#, 422,
            "the limit spend is per user, so it never counts team:acme", "use user:TEAM/USER"
        ),
        (
            #""limit":"spend","subject":"acme","amount":1"#, 422, "\"acme\" is not a subject",
            "use user:TEAM/USER, team:TEAM"
        ),
        (#""limit":"product-calls","subject":"product:x","amount":1"#, 422, "there is no product \"x\"", ""),
        (#""limit":"spend","subject":"user:42","amount":-1"#, 422, "amount must be from 0 to", "as micro-dollars"),
        (#""limit":"spend","subject":"user:42"#, 400, "the body is not one JSON object", ""),
        (#""limit":"spend","subject":"user:42""#, 422, "the field \"amount\" is missing", "fields: limit"),
        (#""limit":"spend","subject":"user:42","amount":1.5"#, 422, "a number is not whole, or too large", ""),
        (
            #""limit":"spend","subject":"user:42","amount":1,"until":5"#, 422, "until must lie in the future",
            "unix seconds"
        ),
        (#""limit":"spend","subject":"user:42","amount":null,"until":5"#, 422, "an override that is taken back", ""),
        (#""limit":"spend","subject":"user:42","amount":1,"unit":"usd""#, 422, "unknown field \"unit\"", ""),
    ]

    @Test func `what cannot be meant is refused with what would be right`() async throws {
        try await withLimits { admin in
            for (fields, status, message, hint) in Self.mistakes {
                let answer = try await put(admin, "{\(fields)}")
                #expect(answer.status == status, "\(answer.body)")
                #expect(answer.error?.message.hasPrefix(message) == true, "\(answer.body)")
                #expect(answer.error?.hint.contains(hint) == true || hint.isEmpty, "\(answer.body)")
            }
            #expect(try await admin.ledger.overrides().isEmpty)
        }
    }

    @Test func `an override that cannot be published stands in the ledger, and the answer says so`() async throws {
        try await withLimits { admin in
            admin.redis.kill()
            let answer = try await put(admin, #"{"limit":"spend","subject":"user:42","amount":5}"#)
            #expect(answer.status == 503 && answer.error?.code == "not_published", "\(answer.body)")
            #expect(try await admin.ledger.overrides().map(\.amount) == [5])
        }
    }

    @Test func `no key can be made for the team of callers without a key`() async throws {
        try await withLimits { admin in
            let answer = try await admin.send(.POST, "/admin/v1/keys", #"{"team":"anonymous"}"#)
            #expect(answer.status == 422)
            #expect(answer.error?.message == "the team anonymous stands for callers without a key")
        }
    }
}
