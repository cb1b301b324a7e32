import Crypto
import Foundation
import Synchronization
import Testing
import WeirCore
import WeirLedger
import WeirRedis
import WeirTelemetry
import WeirTestSupport

@testable import WeirAggregator

/// A webhook: remembers what it was sent, and answers what a test says.
private final class Webhook: Sendable {
    struct Sent: Sendable {
        let url: String
        let body: String
        let headers: [String: String]
    }

    struct Away: Error {}

    private let state = Mutex<(sent: [Sent], answers: [Int?])>(([], []))

    /// The next answers; nil: none comes. When they are used up: 200.
    func answer(_ answers: [Int?]) { state.withLock { $0.answers = answers } }
    var sent: [Sent] { state.withLock { $0.sent } }

    var post: @Sendable ([UInt8], String, [String: String]) async throws -> Int {
        { body, url, headers in
            let answer: Int? = self.state.withLock { state in
                state.sent.append(Sent(url: url, body: String(decoding: body, as: UTF8.self), headers: headers))
                return state.answers.isEmpty ? 200 : state.answers.removeFirst()
            }
            guard let answer else { throw Away() }
            return answer
        }
    }
}

@Suite struct AlertTests {
    private static let address = "https://hooks.example/canary-path"

    private func policy(
        at: [Int] = [5_000, 8_000, 10_000], webhook: String? = address, form: Policy.Alerts.Form? = nil
    ) -> Policy {
        var policy = testPolicy(credits: 1_000, warn: 2_000, kill: 4_000)
        policy.alerts = Policy.Alerts(at: at, webhook: webhook, form: form)
        return policy
    }

    private func apply(_ policy: Policy, to deployment: TestDeployment) async throws {
        _ = try await deployment.ledger.appendPolicy(policy, yaml: "", note: "", audit: testAudit)
    }

    private func aggregator(
        _ deployment: TestDeployment, _ webhook: Webhook, _ name: String = "one", clock: MovableClock,
        adjust: (inout AggregatorConfiguration) -> Void = { _ in }
    ) -> Aggregator {
        deployment.aggregator(name, clock: clock) { configuration in
            configuration.post = webhook.post
            configuration.alertSecret = Array("a-secret-canary".utf8)
            adjust(&configuration)
        }
    }

    private func texts(_ webhook: Webhook, _ kind: String) throws -> [String] {
        try webhook.sent.compactMap { sent in
            let object = try JSONSerialization.jsonObject(with: Data(sent.body.utf8)) as? [String: Any]
            return object?["kind"] as? String == kind ? object?["subject"] as? String : nil
        }
    }

    @Test func `shares of limits are told once per period, the highest alone, whoever leads and however often`()
        async throws
    {
        try await TestDeployment.run { deployment in
            try await apply(policy(), to: deployment)
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            func round(_ aggregator: Aggregator) async throws {
                try await aggregator.lead()
                try await aggregator.survey()
                _ = try await aggregator.deliverAlerts()
            }
            let one = aggregator(deployment, webhook, clock: clock)
            _ = try await deployment.ledger.ingest([event("a", cost: 499)], deadLetters: [])
            try await round(one)
            #expect(try texts(webhook, "limit_share") == [])
            _ = try await deployment.ledger.ingest([event("b", cost: 1)], deadLetters: [])
            for _ in 0..<3 { try await round(one) }
            #expect(try texts(webhook, "limit_share") == ["ai_credits team:acme 50 %"])
            _ = try await deployment.ledger.ingest(
                [event("c", cost: 500), event("d", team: "globex", cost: 850)], deadLetters: [])
            try await deployment.send("DEL", .string(RedisKeys.leader))
            // Another process, which knows nothing of what the first one raised.
            let two = aggregator(deployment, webhook, "two", clock: clock)
            try await eventually("the other leads") { try await two.lead() }
            for _ in 0..<3 { try await round(two) }
            #expect(
                try texts(webhook, "limit_share").sorted() == [
                    "ai_credits team:acme 100 %", "ai_credits team:acme 50 %", "ai_credits team:globex 80 %",
                ])
            clock.set(monthEndS * 1000 + 1)
            _ = try await deployment.ledger.ingest([event("e", cost: 500, atMs: monthEndS * 1000)], deadLetters: [])
            try await round(two)
            #expect(try texts(webhook, "limit_share").count == 4, "a new period tells anew")
        }
    }

    @Test func `the amounts are those in force: of overrides, of groups, and of users`() async throws {
        try await TestDeployment.run { deployment in
            var policy = policy()
            policy.limits = [
                Limit(
                    id: "spend", per: .user, unit: .usd, span: .period(.day), amount: 1_000,
                    groupAmounts: ["contractors": 100])
            ]
            policy.costGuard = nil
            try await apply(policy, to: deployment)
            try await deployment.ledger.insertKey(
                LedgerKey(
                    record: APIKeyRecord(id: "k1", team: "acme", user: "bob", groups: ["contractors"]),
                    sha256: String(repeating: "a", count: 64), createdAtMs: noonMs), audit: testAudit)
            try await deployment.send("SET", "weir:override:spend:user:acme/carol", "10000")
            _ = try await deployment.ledger.ingest(
                ["alice", "bob", "carol"].map { event($0, user: $0, cost: 60) }
                    + [event("x", user: "carol", cost: 840)], deadLetters: [])
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let one = aggregator(deployment, webhook, clock: clock)
            try await one.lead()
            try await one.survey()
            _ = try await one.deliverAlerts()
            #expect(try texts(webhook, "limit_share") == ["spend user:acme/bob 50 %"])
        }
    }

    @Test func `the cost guard's warning and its switch are told, and unpriced models`() async throws {
        try await TestDeployment.run { deployment in
            try await apply(policy(at: []), to: deployment)
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let one = aggregator(deployment, webhook, clock: clock)
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
            #expect(try texts(webhook, "cost_warn") == ["cost_guard"])
            #expect(try texts(webhook, "unpriced_model") == ["brand-new"])
            try await deployment.produce(event("b", cost: 2_000))
            _ = try await one.ingest()
            try await one.survey()
            _ = try await one.deliverAlerts()
            #expect(try texts(webhook, "cost_kill") == ["cost_guard"] && webhook.sent.count == 3)
        }
    }

    @Test func `a client that calls any number of unpriced models causes a bounded number of alerts`() async throws {
        try await TestDeployment.run { deployment in
            try await apply(policy(at: []), to: deployment)
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let one = aggregator(deployment, webhook, clock: clock)
            let two = aggregator(deployment, webhook, "two", clock: clock)
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
            let told = try texts(webhook, "unpriced_model")
            #expect(told.count == 21 && told.contains("(others)"))
        }
    }

    @Test func `usage that waits and nodes that die are told`() {
        var survey = Survey(nowMs: noonMs, policy: policy())
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
            try await apply(policy(), to: deployment)
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let all = ["one", "two", "three"].map { name in
                aggregator(deployment, webhook, name, clock: clock) {
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
            #expect(try texts(webhook, "redis_lost") == ["redis"] && webhook.sent.count == 1)
        }
    }

    @Test func `of many aggregators one sends each alert`() async throws {
        try await TestDeployment.run { deployment in
            try await apply(policy(), to: deployment)
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let alerts = (0..<30).map {
                Alert(.test, subject: "s\($0)", period: "p", severity: .info, text: "t", atMs: noonMs)
            }
            _ = try await deployment.ledger.raise(alerts, deliver: true, mostPending: 100)
            let deliveries = (0..<4).map { _ in
                AlertDelivery(
                    ledger: deployment.ledger, post: webhook.post, secret: nil, firstPause: .seconds(1),
                    metrics: AggregatorMetrics(MetricsRegistry()), logger: .silent)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for delivery in deliveries {
                    group.addTask { while try await delivery.step(nowMs: clock.nowMs) {} }
                }
                try await group.waitForAll()
            }
            #expect(Set(try texts(webhook, "test")).count == 30 && webhook.sent.count == 30)
        }
    }

    @Test func `what fails is tried again, later each time; what is refused, or redirected, is given up`() async throws
    {
        try await TestDeployment.run { deployment in
            try await apply(policy(), to: deployment)
            let (webhook, clock) = (Webhook(), MovableClock(noonMs))
            let registry = MetricsRegistry(MetricCatalogue.aggregator)
            let delivery = AlertDelivery(
                ledger: deployment.ledger, post: webhook.post, secret: nil, firstPause: .seconds(5),
                metrics: AggregatorMetrics(registry), logger: .silent)
            func raise(_ subject: String) async throws {
                let alert = Alert(.test, subject: subject, period: "p", severity: .info, text: "t", atMs: clock.nowMs)
                _ = try await deployment.ledger.raise([alert], deliver: true, mostPending: 10)
            }
            func newest() async throws -> AlertRecord {
                try #require(try await deployment.ledger.alerts(state: nil, before: nil, limit: 1).first)
            }
            webhook.answer([500, nil, 429, 200])
            try await raise("again")
            var pauses: [Int] = []
            for _ in 0..<3 {
                #expect(try await delivery.step(nowMs: clock.nowMs))
                #expect(!(try await delivery.step(nowMs: clock.nowMs)), "not before its time")
                let record = try await newest()
                #expect(record.state == .pending && !(record.error ?? "").contains("canary"))
                pauses.append(record.nextAtMs - clock.nowMs)
                clock.set(record.nextAtMs)
            }
            for (pause, whole) in zip(pauses, [5_000, 10_000, 20_000]) { #expect((whole / 2...whole).contains(pause)) }
            #expect(try await delivery.step(nowMs: clock.nowMs))
            #expect(try await newest().state == .sent && webhook.sent.count == 4)
            for (status, why) in [(302, "302"), (404, "404"), (401, "401")] {
                webhook.answer([status])
                try await raise("refused \(status)")
                _ = try await delivery.step(nowMs: clock.nowMs)
                let record = try await newest()
                #expect(record.state == .dead && record.error == "the webhook answered \(why)")
            }
            webhook.answer(Array(repeating: nil, count: 20))
            try await raise("never")
            for _ in 0..<20 where try await delivery.step(nowMs: clock.nowMs) {
                clock.set(max(clock.nowMs, try await newest().nextAtMs))
            }
            let last = try await newest()
            #expect(last.state == .dead && last.attempts == AlertDelivery.mostAttempts)
            #expect(delivery.pauseMs(after: .max) <= 3_600_000)
            let text = registry.exposition()
            for line in ["\"sent\"} 1", "\"dead\"} 4", "\"failed\"} 14"] {
                #expect(text.contains("weir_aggregator_alert_deliveries_total{result=\(line)\n"), "\(line)")
            }
        }
    }

    @Test func `a message is signed with its time, and has Slack's form where that is asked for`() throws {
        let record = AlertRecord(
            id: 7,
            alert: Alert(
                .limitShare, subject: "s", period: "p", severity: .warning, text: "a <b> & \"c\"",
                details: ["used": "1"], atMs: noonMs), state: .pending, attempts: 1, nextAtMs: 0, error: nil)
        let secret = Array("key".utf8)
        let json = AlertMessage(record, form: .json, secret: secret, nowMs: noonMs)
        let text = String(decoding: json.body, as: UTF8.self)
        #expect(
            text == #"{"id":7,"kind":"limit_share","severity":"warning","subject":"s","period":"p","#
                + #""at":"2026-11-21T12:00:00.000Z","text":"a <b> & \"c\"","details":{"used":"1"}}"#)
        let expected = HMAC<SHA256>.authenticationCode(
            for: Data("\(noonMs / 1000).\(text)".utf8), using: SymmetricKey(data: secret))
        let hex = expected.map { String(format: "%02x", $0) }.joined()
        #expect(json.headers == ["weir-alert-id": "7", "weir-signature": "t=\(noonMs / 1000),v1=\(hex)"])
        let slack = AlertMessage(record, form: .slack, secret: nil, nowMs: noonMs)
        #expect(
            String(decoding: slack.body, as: UTF8.self) == #"{"text":"*Weir, warning*: a &lt;b&gt; &amp; \"c\""}"#)
        #expect(slack.headers == ["weir-alert-id": "7"])
        #expect(policy(webhook: "https://hooks.slack.com/services/x").alerts.formInForce == .slack)
        #expect(policy(webhook: "https://hooks.slack.com.evil.example/").alerts.formInForce == .json)
        #expect(policy(form: .slack).alerts.formInForce == .slack)
    }

    @Test func `a webhook that never answers delays neither ingest nor evaluation`() async throws {
        try await TestDeployment.run { deployment in
            try await apply(policy(), to: deployment)
            let released = Mutex<CheckedContinuation<Void, Never>?>(nil)
            let one = deployment.aggregator { configuration in
                configuration.post = { _, _, _ in
                    await withCheckedContinuation { continuation in released.withLock { $0 = continuation } }
                    return 200
                }
            }
            try await one.lead()
            _ = try await deployment.ledger.ingest([event("a", cost: 900)], deadLetters: [])
            try await one.survey()
            let delivering = Task { try await one.deliverAlerts() }
            try await eventually("the webhook is asked") { released.withLock { $0 != nil } }
            try await deployment.produce(event("b", cost: 100))
            #expect(try await one.ingest().ledger.inserted == 1)
            try await one.lead()
            #expect(try await deployment.score("acme") != nil)
            released.withLock { $0?.resume() }
            #expect(try await delivering.value == 1)
        }
    }
}
