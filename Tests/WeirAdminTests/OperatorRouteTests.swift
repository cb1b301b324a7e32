import Foundation
import Testing
import WeirTestSupport
import WeirRedis
import NIOHTTP1
import WeirAdmin
import WeirCore
import WeirLedger

@Suite struct OperatorRouteTests {
    private let later = Int(Date().timeIntervalSince1970) + 3600

    @Test func `a team is limited and admitted again through the set that redis-cli shows`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let path = "/admin/v1/limited/ai_credits/acme%40x"
            let body = #"{"until":\#(later),"reason":"asked to"}"#
            #expect(try await admin.send(.PUT, path, body).status == 200)
            #expect(try await admin.redisText(["ZSCORE", "weir:quota-limits:ai_credits", "acme@x"]) == "\(later)")
            // What redis-cli adds is shown as well; what ended is not.
            try await admin.redis.send(["ZADD", "weir:quota-limits:ai_credits", "+inf", "for-ever", "5", "long-ago"])
            let list = try await admin.send(.GET, "/admin/v1/limited").decoded(LimitedList.self)
            #expect(list.limited.map(\.team) == ["for-ever", "acme@x"])
            #expect(list.limited.map(\.until) == [nil, later])
            #expect(try await admin.send(.DELETE, path).body == #"{"removed":true}"#)
            #expect(try await admin.send(.DELETE, path).body == #"{"removed":false}"#)
            #expect(try await admin.redisText(["ZSCORE", "weir:quota-limits:ai_credits", "acme@x"]) == "nil")

            let audit = try await admin.ledger.audit(limit: 2)
            #expect(audit.map(\.action) == ["limited.remove", "limited.add"])
            #expect(audit[1].subject == "ai_credits/acme@x")
            #expect(audit[1].after == "\(later)")
            #expect(audit[1].reason == "asked to")
            #expect(audit[0].before == "\(later)")
        }
    }

    @Test func `a wrong limited entry changes nothing`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            for (path, body, status) in [
                ("ai_credit/acme", #"{"until":\#(later)}"#, 404), ("ai_credits/a%20b", #"{"until":\#(later)}"#, 422),
                ("ai_credits/acme", #"{"until":5}"#, 422),
                ("ai_credits/acme", #"{"until":\#(Int.max)}"#, 422), ("ai_credits/acme", "{}", 422),
                ("ai_credits/acme", #"{"until":\#(later),"reason":"a\nb"}"#, 422),
            ] {
                let answer = try await admin.send(.PUT, "/admin/v1/limited/\(path)", body)
                #expect(answer.status == status, "\(path) \(body): \(answer.body)")
            }
            #expect(try await admin.redisText(["KEYS", "weir:quota-limits:*"]).isEmpty)
            #expect(try await admin.ledger.audit(limit: 10).map(\.action) == ["policy.apply"])
        }
    }

    @Test func `the kill switch is thrown for a scope with a reason, and taken back`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let path = "/admin/v1/kill-switch"
            let on = #"{"scope":"product:slack-bot","on":true,"reason":"too dear","until":\#(later)}"#
            let thrown = try await admin.send(.POST, path, on, headers: [("weir-actor", "ann")])
            let state = try thrown.decoded(KillSwitchState.self)
            #expect(state.scope == "product:slack_app")
            #expect(state.thrown)
            let value = try await admin.redisText(["HGET", "weir:kill-switch", "product:slack_app"])
            let entry = KillSwitch.Entry(value: value)
            #expect(entry.on && entry.reason == "too dear" && entry.actor == "ann" && entry.until == later)
            #expect(try await admin.send(.GET, path).decoded(KillSwitchList.self).killSwitch == [state])

            let off = try await admin.send(.POST, path, #"{"scope":"product:slack_app","on":false}"#)
            #expect(try off.decoded(KillSwitchState.self).thrown == false)
            let audit = try await admin.ledger.audit(limit: 2)
            #expect(audit.map(\.action) == ["kill-switch.off", "kill-switch.on"])
            #expect(audit[0].before == value)
            #expect(audit[1].after == value)
        }
    }

    @Test(arguments: [
        #"{"scope":"globl","on":true,"reason":"x"}"#, #"{"scope":"global","on":true}"#,
        #"{"scope":"class:aj","on":true,"reason":"x"}"#, #"{"scope":"product:slack","on":true,"reason":"x"}"#,
        #"{"scope":"team:a b","on":true,"reason":"x"}"#, #"{"scope":"global","on":true,"reason":"x","until":5}"#,
        #"{"scope":"global","on":"yes","reason":"x"}"#,
    ])
    func `a switch that would stop nothing is refused`(body: String) async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            #expect(try await admin.send(.POST, "/admin/v1/kill-switch", body).status == 422)
            #expect(try await admin.redisText(["EXISTS", "weir:kill-switch"]) == "0")
        }
    }

    @Test func `without Redis the switch answers quickly that it is not in force`() async throws {
        try await withAdmin { admin in
            admin.redis.kill()
            let answer = try await admin.send(
                .POST, "/admin/v1/kill-switch", #"{"scope":"global","on":true,"reason":"x"}"#)
            #expect(answer.status == 503)
            #expect(answer.error?.code == "redis_unavailable")
        }
    }

    @Test func `usage is summed by day, team, user, model and product`() async throws {
        try await withAdmin { admin in
            let day = UTCDay(year: 2026, month: 11, day: 20)
            let events = (0..<3).map { index in
                UsageEvent(
                    id: "e\(index)", calledAtMs: day.startMs + index * UTCDay.lengthMs / 2, team: "acme",
                    user: index == 2 ? nil : "alice", product: "search", billable: false, callClass: "lookup",
                    endpoint: "messages", provider: "anthropic", requestedModel: "m", model: "m\(index)",
                    tokens: TokenUsage(input: 10, output: 5), cost: MicroUSD(micros: 1_500_001), priceVersion: "1")
            }
            _ = try await admin.ledger.ingest(events, deadLetters: [])
            func usage(_ query: String) async throws -> UsageAnswer {
                let answer = try await admin.send(.GET, "/admin/v1/usage?\(query)")
                guard answer.status == 200 else { throw AdminFixture.Problem(text: answer.body) }
                return try answer.decoded(UsageAnswer.self)
            }
            let days = try await usage("by=day&from=2026-11-20&to=2026-11-21")
            #expect(days.rows.map(\.name) == ["2026-11-20", "2026-11-21"])
            #expect(days.rows.map(\.calls) == [2, 1])
            #expect(days.total.costUSD == "4.500003")
            #expect(days.total.costMicros == 4_500_003)
            #expect(days.total.inputTokens == 30)
            let users = try await usage("by=user&from=2026-11-20&to=2026-11-21&team=acme")
            #expect(users.rows.map(\.name) == ["acme/alice", "acme/"])
            #expect(try await usage("by=model&from=2026-11-21&to=2026-11-21").rows.map(\.name) == ["m2"])
            for wrong in [
                "", "by=tem", "by=day&from=2026-11-31", "by=day&from=2026-1-1", "by=day&from=2026-11-22&to=2026-11-21",
                "by=day&from=0001-01-01", "by=day&by=team", "by=day&since=x", "by=day&from=-026-11-20",
            ] {
                #expect(try await admin.send(.GET, "/admin/v1/usage?\(wrong)").status == 422, "\(wrong)")
            }
        }
    }
}
