import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@Suite struct CostRouteTests {
    @Test func `costs tell today, each day, the dearest, the switch and the thresholds`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy(policyText + "\ncost_guard: { warn: 0.000010, kill: 20, period: day }\n")
            try await admin.ingestCalls(30)
            _ = try await admin.send(
                .POST, "/admin/v1/kill-switch",
                #"{"scope":"global","on":true,"reason":"x","until_at":"2096-01-01T00:00:00Z"}"#)
            let costs = try await admin.send(.GET, "/admin/v1/costs?days=3").decoded(CostsAnswer.self)
            #expect(costs.dailyTotals.count == 3 && costs.dailyTotals[2] == costs.today)
            #expect(costs.today.calls == 30 && costs.today.costMicros == 30 * 31 / 2)
            #expect(costs.today.costUSD == "0.000465")
            #expect(costs.topTeams.map(\.name).sorted() == ["acme", "globex"])
            #expect(costs.topUsers.count == 3 && costs.topProducts.map(\.name) == ["slack_app"])
            #expect(costs.topModels.first?.calls == 30 && costs.topEndpoints.first?.name == "messages")
            #expect(costs.killSwitch.map(\.scope) == ["global"])
            #expect(costs.killSwitch.first?.untilAt == "2096-01-01T00:00:00Z")
            #expect(costs.thresholds?.spentMicros == costs.today.costMicros)
            #expect(costs.thresholds?.warnUSD == "0.00001" && costs.thresholds?.killMicros == 20_000_000)
            #expect(try await admin.send(.GET, "/admin/v1/costs?days=0").status == 422)
        }
    }

    @Test func `one event's story is what the ledger has, what was corrected, and what Redis knows of it`() async throws
    {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            try await admin.ingestCalls(2)
            let known = try await admin.send(.GET, "/admin/v1/events/call1").decoded(EventStory.self)
            #expect(known.state == "ended" && known.costMicros == 2 && known.costUSD == "0.000002")
            #expect(known.event?.team == "globex" && known.corrections.isEmpty && known.reservation == nil)
            #expect(try await admin.send(.GET, "/admin/v1/events/nothing").status == 404)

            // A call that runs, as its node has left it in Redis.
            let id = "01M7YVEV7RR1AQGT4DRGRYGCDC"
            let shard = Shard(of: "acme", count: 16)
            let event = UsageEvent(
                id: id, calledAtMs: 1, team: "acme", product: "p", billable: true, callClass: "ai",
                endpoint: "messages", provider: "anthropic", requestedModel: "m", model: "m", priceVersion: "1")
            let record = CallRecord.json(
                holds: [
                    CounterKey(shard: shard, limit: "spend", subject: "user:acme/a", counter: .budget(.day), atMs: 0)
                ], units: [.usd], event: event.json())
            try await admin.redis.send(["HSET", "weir:meta", "shards", "16"])
            try await admin.redis.send([
                "HSET", .string(RedisKeys.reservations(shard)), .string(id),
                .string("2000 1000 77\n" + String(decoding: record, as: UTF8.self) + "\n"),
            ])
            let live = try await admin.send(.GET, "/admin/v1/events/\(id)").decoded(EventStory.self)
            #expect(live.state == "live" && live.event == nil)
            #expect(live.reservation?.state == "held" && live.reservation?.leaseEndsAt == "1970-01-01T00:00:02Z")
            #expect(live.reservation?.holds.map(\.limit) == ["spend"] && live.reservation?.holds.first?.held == 77)
            #expect(live.reservation?.holds.first?.unit == "usd")
        }
    }

    @Test func `versions of the policy are compared, and a proposal with the one in force`() async throws {
        try await withAdmin { admin in
            try await admin.applyPolicy()
            let other = policyText.replacing("amount: 5", with: "amount: 9")
            let proposal = try await admin.send(
                .POST, "/admin/v1/policy/diff", other, type: "application/yaml"
            ).decoded(PolicyDiffAnswer.self)
            #expect(proposal.changes.map(\.name) == ["ai-calls"] && proposal.changes.first?.kind == "changed")
            #expect(try await admin.ledger.currentPolicy()?.version == 1)
            try await admin.applyPolicy(other)
            let diff = try await admin.send(.GET, "/admin/v1/policy/diff?from=1").decoded(PolicyDiffAnswer.self)
            #expect(diff.from == 1 && diff.to == 2)
            #expect(diff.changes.first?.fields.map(\.new) == ["9"])
            #expect(try await admin.send(.GET, "/admin/v1/policy/diff?from=7").status == 404)
            #expect(try await admin.send(.GET, "/admin/v1/policy/diff").status == 422)
        }
    }

    @Test func `sums that were changed by hand are summed up again from their events`() async throws {
        try await withAdmin { admin in
            #expect(try await admin.send(.POST, "/admin/v1/ledger/rebuild", "{}").decoded(RebuildAnswer.self).days == 0)
            try await admin.ingestCalls(5)
            let answer = try await admin.send(.POST, "/admin/v1/ledger/rebuild", "{}").decoded(RebuildAnswer.self)
            #expect(answer.days == 1 && answer.corrected == 0 && answer.sums == 3)
            let far = try await admin.send(
                .POST, "/admin/v1/ledger/rebuild", #"{"from":"0001-01-01","to":"9999-12-31"}"#
            ).decoded(RebuildAnswer.self)
            #expect(far.days == 1)
        }
    }
}
