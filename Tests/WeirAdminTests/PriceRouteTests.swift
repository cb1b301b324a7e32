import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@Suite struct PriceRouteTests {
    private let path = "/admin/v1/prices"

    private func body(
        _ model: String = "claude-haiku-4", from: String? = "2026-11-01", input: Int = 2_000_000
    ) -> String {
        let validFrom = from.map { #""valid_from":"\#($0)","# } ?? ""
        return """
            {"note":"why","models":[{"provider":"anthropic","model":"\(model)",\(validFrom)"context_window":200000,
            "max_output_tokens":64000,"source":"our contract","price":{"input":\(input),"cache_read":200000,
            "cache_write_5m":\(input),"cache_write_1h":\(input),"output":10000000}}]}
            """
    }

    @Test func `prices are added, published, listed by day, and audited`() async throws {
        try await withAdmin { admin in
            let before = try await admin.send(.GET, path).decoded(PriceList.self)
            #expect(before.version == "v1" && before.models.count == 1 && before.others.isEmpty)

            let added = try await admin.send(.POST, path, body(), headers: [("weir-actor", "ann")])
            #expect(added.status == 201)
            #expect(try added.decoded(PricesAdded.self).version == "v1+1")
            #expect(try await admin.send(.POST, path, body("claude-next")).status == 201)

            let published = try await admin.redisText(["GET", "weir:prices"])
            #expect(published == (try await admin.ledger.addedPrices().json()))
            let now = try await admin.send(.GET, path + "?day=2026-11-01").decoded(PriceList.self)
            #expect(now.version == "v1+2")
            #expect(now.models.map(\.model) == ["claude-haiku-4", "claude-next"])
            #expect(now.models.first?.price.base.input == 2_000_000)
            #expect(now.others.map(\.price.base.input) == [1_000_000])
            let past = try await admin.send(.GET, path + "?day=2026-10-31").decoded(PriceList.self)
            #expect(past.models.map(\.price.base.input) == [1_000_000])
            #expect(past.others.count == 2)

            let audit = try await admin.ledger.audit(limit: 2)
            #expect(audit.map(\.subject) == ["anthropic/claude-next", "anthropic/claude-haiku-4"])
            #expect(audit[1].actor == "ann" && audit[1].reason == "why" && audit[1].action == "prices.add")
        }
    }

    @Test func `models that policy or keys name and nobody has a price of are listed`() async throws {
        try await withAdmin { admin in
            let policy = policyText + "\nladder: [claude-opus-9, claude-haiku-4]"
            #expect(try await admin.send(.PUT, "/admin/v1/policy", policy, type: "application/yaml").status == 200)
            for model in ["claude-lost", "claude-haiku-4", "claude-old"] {
                let key = #"{"team":"acme","models":["\#(model)"]}"#
                let made = try await admin.send(.POST, "/admin/v1/keys", key).decoded(CreatedKey.self)
                guard model == "claude-old" else { continue }
                #expect(try await admin.send(.DELETE, "/admin/v1/keys/\(made.description.id)").status == 200)
            }
            let list = try await admin.send(.GET, path).decoded(PriceList.self)
            #expect(list.unpricedModels == ["claude-lost", "claude-opus-9"])
        }
    }

    @Test func `prices that are wrong are refused with the reason, and none of them is added`() async throws {
        try await withAdmin { admin in
            for (body, reason) in [
                (body(from: nil), "valid_from is missing"), (body(from: "2026-02-30"), "valid_from"),
                (body(input: 0), "input is free"), (#"{"models":[]}"#, "there is no price"),
                (#"{"models":[],"force":true}"#, "unknown field"), (#"{"model":[]}"#, "unknown field"),
            ] {
                let answer = try await admin.send(.POST, path, body)
                #expect(answer.status == 422)
                #expect(answer.error?.message.contains(reason) == true, "\(answer.body)")
            }
            #expect(try await admin.ledger.addedPrices() == .none)
            #expect(try await admin.redisText(["EXISTS", "weir:prices"]) == "0")
            #expect(try await admin.send(.GET, path + "?day=2026-02-30").status == 422)
        }
    }

    @Test func `denials are told by team, user, limit and reason`() async throws {
        try await withAdmin { admin in
            let day = UTCDay(containingMs: Int(Date().timeIntervalSince1970 * 1000))
            try await admin.ledger.recordDenials([
                DenialCount(
                    key: DenialKey(day: day, team: "acme", user: "alice", limit: "calls", reason: "rate_limited"),
                    node: "n1", count: 5),
                DenialCount(key: DenialKey(day: day, team: "globex", reason: "kill_switch"), node: "n1", count: 2),
            ])
            let list = try await admin.send(.GET, "/admin/v1/denials").decoded(DenialList.self)
            #expect(list.total == 7 && list.to == day.id)
            #expect(list.denials.map(\.reason) == ["rate_limited", "kill_switch"])
            #expect(list.denials.first?.user == "alice" && list.denials.last?.limit == nil)
            let some = try await admin.send(.GET, "/admin/v1/denials?team=globex").decoded(DenialList.self)
            #expect(some.total == 2)
            #expect(try await admin.send(.GET, "/admin/v1/denials?user=x").status == 422)
        }
    }

    @Test func `prices that cannot be published stand in the ledger, and the answer says so`() async throws {
        try await withAdmin { admin in
            admin.redis.kill()
            let answer = try await admin.send(.POST, path, body())
            #expect(answer.error?.code == "not_published")
            #expect(try await admin.ledger.addedPrices().version == 1)
        }
    }

    @Test func `the ledger is repriced day by day by what is known now, once, and verified`() async throws {
        try await withAdmin { admin in
            let noonMs = 1_795_262_400_000  // 2026-11-21
            let events = (0..<4).map { number in
                UsageEvent(
                    id: "\(number)", calledAtMs: noonMs - number * UTCDay.lengthMs, team: "acme", product: "slack_app",
                    billable: true, callClass: "ai", endpoint: "messages", provider: "anthropic",
                    requestedModel: "claude-haiku-4", model: "claude-haiku-4", tokens: TokenUsage(input: 1_000),
                    cost: MicroUSD(micros: 1_000), priceVersion: "v1")
            }
            _ = try await admin.ledger.ingest(events, deadLetters: [])
            #expect(try await admin.send(.POST, path, body(from: "2026-11-20")).status == 201)
            let range = #""from":"2026-11-19","to":"2026-11-21""#
            func reprice(_ body: String) async throws -> AdminFixture.Answer {
                try await admin.send(.POST, "/admin/v1/ledger/reprice", body)
            }
            let dry = try await reprice("{\(range),\"dry_run\":true}").decoded(RepriceAnswer.self)
            #expect(dry.events == 3 && dry.corrected == 2 && dry.differenceMicros == 2_000 && dry.dryRun)
            #expect(dry.differenceUSD == "0.002" && dry.priceVersion == "v1+1")
            let usage = "/admin/v1/usage?by=day&from=2026-11-01&to=2026-11-30"
            #expect(try await admin.send(.GET, usage).decoded(UsageAnswer.self).total.costMicros == 4_000)

            #expect(try await reprice("{\(range)}").decoded(RepriceAnswer.self).corrected == 2)
            #expect(try await reprice("{\(range)}").decoded(RepriceAnswer.self).corrected == 0)
            let after = try await admin.send(.GET, usage).decoded(UsageAnswer.self)
            #expect(after.total.costMicros == 6_000 && after.total.calls == 4)
            let audit = try await admin.ledger.audit(limit: 10).filter { $0.action == "ledger.reprice" }
            #expect(audit.map(\.subject) == ["2026-11-21", "2026-11-20"])
            let export = "/admin/v1/ledger/events?from=2026-11-21&to=2026-11-21"
            let page = try await admin.send(.GET, export).decoded(EventPage.self)
            #expect(page.events.count == 2 && page.next == nil)
            let rest = try await admin.send(.GET, export + "&after=\(noonMs):0").decoded(EventPage.self)
            #expect(rest.events.count == 1)
            #expect(try await admin.send(.GET, export + "&after=x").status == 422)
            #expect(try await admin.send(.GET, "/admin/v1/ledger/events").status == 422)
            // Of the call as the API lists it, and as the dashboard tells it.
            let listed = try await admin.send(
                .GET, "/admin/v1/events?from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z")
            let rows = try listed.decoded(EventList.self).events
            #expect(rows.map(\.outcome) == ["repriced", "completed"] && rows.map(\.corrects) == ["0", nil])
            let story = try await admin.send(.GET, "/admin/v1/events/0").decoded(EventStory.self)
            #expect(story.costMicros == 2_000 && story.corrections.map(\.costMicros) == [1_000])
            let browser = Browser(admin)
            _ = try await browser.signIn(token)
            for id in ["0", "0:1"] {
                let page = try await browser.get("/event?id=\(id)").body
                #expect(
                    page.contains("corrected by repricing") && page.contains("<h1><span class=\"muted\">Call </span>0"))
            }
            let days = "from=2026-11-18&to=2026-11-21"
            #expect(try await browser.get("/export/events?as=csv&\(days)").body.split(separator: "\r\n").count == 5)
            #expect(try await browser.get("/export/events?as=csv&\(days)").body.contains(",0.002,"))
            #expect(try await browser.get("/events?\(days)&outcome=repriced").status == 422)

            let verified = try await admin.send(.GET, "/admin/v1/ledger/verify").decoded(VerifyAnswer.self)
            #expect(verified.ok && verified.differences == 0)

            for wrong in [
                #"{"from":"2026-11-21","to":"2026-11-20"}"#, #"{"from":"x","to":"2026-11-20"}"#,
                #"{"from":"0001-01-01","to":"9999-12-31"}"#, #"{"from":"2026-11-20"}"#,
            ] {
                #expect(try await reprice(wrong).status == 422)
            }
        }
    }
}
