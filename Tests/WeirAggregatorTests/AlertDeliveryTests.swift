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

@Suite struct AlertDeliveryTests {
    @Test func `of many aggregators one sends each alert`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy())
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
            #expect(Set(try webhook.subjects(of: "test")).count == 30 && webhook.sent.count == 30)
        }
    }

    @Test func `what fails is tried again, later each time; what is refused, or redirected, is given up`() async throws
    {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy())
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
        #expect(alertPolicy(webhook: "https://hooks.slack.com/services/x").alerts.formInForce == .slack)
        #expect(alertPolicy(webhook: "https://hooks.slack.com.evil.example/").alerts.formInForce == .json)
        #expect(alertPolicy(form: .slack).alerts.formInForce == .slack)
    }

    @Test func `a webhook that never answers delays neither ingest nor evaluation`() async throws {
        try await TestDeployment.run { deployment in
            try await deployment.apply(alertPolicy())
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
