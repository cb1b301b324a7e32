import Foundation
import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTestSupport

@testable import WeirAggregator

@Suite struct AlertRaisingTests {
    @Test func `shares of limits are told once per period, the highest alone, whoever leads and however often`()
        async throws
    {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy())
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            func round(_ aggregator: Aggregator) async throws {
                try await aggregator.lead()
                try await aggregator.survey()
                _ = try await aggregator.deliverAlerts()
            }
            let one = deployment.aggregator(sendingTo: webhook, clock: clock)
            _ = try await deployment.ledger.ingest([event("a", cost: 499)], deadLetters: [])
            try await round(one)
            #expect(try webhook.subjects(of: "limit_share") == [])
            _ = try await deployment.ledger.ingest([event("b", cost: 1)], deadLetters: [])
            for _ in 0..<3 { try await round(one) }
            #expect(try webhook.subjects(of: "limit_share") == ["ai_credits team:acme 50 %"])
            _ = try await deployment.ledger.ingest(
                [event("c", cost: 500), event("d", team: "globex", cost: 850)], deadLetters: [])
            try await deployment.send("DEL", .string(RedisKeys.leader))
            // Another process, which knows nothing of what the first one raised.
            let two = deployment.aggregator(sendingTo: webhook, "two", clock: clock)
            try await eventually("the other leads") { try await two.lead() }
            for _ in 0..<3 { try await round(two) }
            #expect(
                try webhook.subjects(of: "limit_share").sorted() == [
                    "ai_credits team:acme 100 %", "ai_credits team:acme 50 %", "ai_credits team:globex 80 %",
                ])
            clock.set(monthEndS * 1000 + 1)
            _ = try await deployment.ledger.ingest([event("e", cost: 500, atMs: monthEndS * 1000)], deadLetters: [])
            try await round(two)
            #expect(try webhook.subjects(of: "limit_share").count == 4, "a new period tells anew")
        }
    }

    @Test func `the amounts are those in force: of overrides, of groups, and of users`() async throws {
        try await TestDeployment.run { deployment in
            var policy = alertPolicy()
            policy.limits = [
                Limit(
                    id: "spend", per: .user, unit: .usd, span: .period(.day), amount: 1_000,
                    groupAmounts: ["contractors": 100])
            ]
            policy.costGuard = nil
            try await deployment.apply(policy)
            try await deployment.ledger.insertKey(
                LedgerKey(
                    record: APIKeyRecord(id: "k1", team: "acme", user: "bob", groups: ["contractors"]),
                    sha256: String(repeating: "a", count: 64), createdAtMs: noonMs), audit: testAudit)
            try await deployment.send("SET", "weir:override:spend:user:acme/carol", "10000")
            _ = try await deployment.ledger.ingest(
                ["alice", "bob", "carol"].map { event($0, user: $0, cost: 60) }
                    + [event("x", user: "carol", cost: 840)], deadLetters: [])
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let one = deployment.aggregator(sendingTo: webhook, clock: clock)
            try await one.lead()
            try await one.survey()
            _ = try await one.deliverAlerts()
            #expect(try webhook.subjects(of: "limit_share") == ["spend user:acme/bob 50 %"])
        }
    }

    @Test func `the cost guard's warning and its switch are told, and unpriced models`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy(at: []))
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let one = deployment.aggregator(sendingTo: webhook, clock: clock)
            var unpriced = event("a", cost: 2_000)
            unpriced.isModelKnown = false
            unpriced.model = "brand-new"
            try await deployment.produce(unpriced)
            try await one.lead()
            _ = try await one.ingest()
            for _ in 0..<2 {
                try await one.survey()
                _ = try await one.deliverAlerts()
            }
            #expect(try webhook.subjects(of: "cost_warn") == ["cost_guard"])
            #expect(try webhook.subjects(of: "unpriced_model") == ["brand-new"])
            try await deployment.produce(event("b", cost: 2_000))
            _ = try await one.ingest()
            try await one.survey()
            _ = try await one.deliverAlerts()
            #expect(try webhook.subjects(of: "cost_kill") == ["cost_guard"] && webhook.sent.count == 3)
        }
    }

    @Test func `a client that calls any number of unpriced models causes a bounded number of alerts`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy(at: []))
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let one = deployment.aggregator(sendingTo: webhook, clock: clock)
            let two = deployment.aggregator(sendingTo: webhook, "two", clock: clock)
            try await one.lead()
            for round in 0..<3 {
                for number in 0..<30 {
                    var unpriced = event("e\(round)-\(number)", cost: 0)
                    unpriced.isModelKnown = false
                    unpriced.model = "made-up-\(round)-\(number)"
                    try await deployment.produce(unpriced)
                }
                // Who only ingests has read it, and nobody else.
                _ = try await two.ingest()
                try await two.survey()
                #expect(try await two.deliverAlerts() == 0)
            }
            try await one.survey()
            _ = try await one.deliverAlerts()
            let told = try webhook.subjects(of: "unpriced_model")
            #expect(told.count == 21 && told.contains("(others)"))
        }
    }

    @Test func `usage that waits and nodes that die are told`() {
        var survey = Survey(nowMs: noonMs, policy: alertPolicy())
        let rules = AlertRules()
        (survey.waiting, survey.oldestMs, survey.orphans, survey.events) = (50_000, 60_000, 9, 10)
        #expect(rules.due(survey) == [])
        survey.oldestMs = 60_001
        #expect(rules.due(survey).map(\.kind) == [.ingestLag] && rules.due(survey)[0].period == "2026-11-21T12")
        (survey.oldestMs, survey.orphans, survey.events) = (0, 10, 1_001)
        #expect(rules.due(survey) == [])
        survey.events = 1_000
        #expect(rules.due(survey).map(\.kind) == [.orphanRate])
        survey.waiting = 50_001
        #expect(rules.due(survey).map(\.kind) == [.ingestLag, .orphanRate])
    }

    @Test func `a share of any amount is exact and cannot overflow`() {
        func use(_ used: Int, of amount: Int) -> LimitUse {
            LimitUse(
                limit: "l", unit: .usd, period: Period.day.containing(ms: 0), subject: .global, used: used,
                amount: amount)
        }
        #expect(use(1, of: 1).hasReached(10_000) && use(1, of: 3).hasReached(3_333) && !use(1, of: 3).hasReached(3_334))
        #expect(use(.max, of: 1 << 53).hasReached(10_000) && !use((1 << 53) - 1, of: 1 << 53).hasReached(10_000))
        #expect(use(.max, of: 1).excess == .max - 1 && use(1, of: 2).excess == 0)
        #expect(LimitUse.part(.max, of: .max) == .max)
    }

    @Test func `Redis that is lost is told once by one of all aggregators, with nobody able to lead`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy())
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let all = ["one", "two", "three"].map { name in
                deployment.aggregator(sendingTo: webhook, name, clock: clock) {
                    $0.redisLostAfter = .zero
                    $0.wallMs = { noonMs }
                    $0.redisDeadline = .milliseconds(200)
                }
            }
            for aggregator in all { try await aggregator.survey() }
            deployment.server.kill()
            await withTaskGroup { group in
                for aggregator in all {
                    group.addTask {
                        for _ in 0..<3 {
                            try? await aggregator.survey()
                            _ = try? await aggregator.deliverAlerts()
                        }
                    }
                }
            }
            #expect(try webhook.subjects(of: "redis_lost") == ["redis"] && webhook.sent.count == 1)
        }
    }
}
