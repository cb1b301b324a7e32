import AsyncHTTPClient
import NIOHTTP1
import Testing
import WeirEnforcer
import WeirTelemetry
import WeirTestSupport

@testable import WeirGateway

@Suite struct OperationsTests {
    @Test func `health, readiness and metrics are answered on a listener of their own`() async throws {
        try await withGateway { bed in
            _ = try await bed.send(bed.request())
            _ = try await bed.send(bed.request("/v1/files"))
            for (path, expected) in [("/healthz", "ok\n"), ("/readyz", #"{"ready":true,"outbox":null}"# + "\n")] {
                let answer = try await bed.send(HTTPClient.Request(url: bed.operations + path))
                #expect(answer.status == .ok && answer.text == expected)
            }
            let metrics = try await bed.send(HTTPClient.Request(url: bed.operations + "/metrics")).text
            for line in [
                #"weir_gateway_calls_total{product="default",class="ai",outcome="completed"} 1"#,
                #"weir_gateway_decisions_total{product="default",class="ai",outcome="admitted",reason="none"} 1"#,
                #"weir_gateway_decisions_total{product="none",class="none",outcome="denied",reason="unknown_route"} 1"#,
                "weir_gateway_decision_seconds_count 1", "weir_gateway_in_flight 0", "weir_gateway_reservations 0",
                "weir_gateway_ready 1",
            ] { #expect(metrics.contains(line + "\n"), "\(line)") }
            let verdict = try runTool("promtool", ["check", "metrics"], input: metrics)
            #expect(verdict.code == 0 && verdict.said.isEmpty, "\(verdict.said)")
            let other = try await bed.send(HTTPClient.Request(url: bed.operations + "/v1/models"))
            #expect(other.status == .notFound)
            let door = try await bed.send(HTTPClient.Request(url: bed.url + "/metrics"))
            #expect(door.status == .notFound)
        }
    }

    @Test func `readiness and metrics say how deep the outbox is, how old, and why nothing is admitted`() {
        let outbox = Outbox.Status(rows: 3, bytes: 2_100, limitBytes: 2_000, oldestAtMs: 5_000, problem: "full")
        let readiness = NodeReadiness(reason: "full", outbox: outbox, nowMs: 8_999)
        #expect(
            readiness.json == #"{"ready":false,"reason":"full","outbox":{"rows":3,"bytes":2100,"limit_bytes":2000,"#
                + #""oldest_seconds":3}}"# + "\n")
        let registry = MetricsRegistry()
        outbox.show(on: registry, nowMs: 8_999)
        let metrics = registry.exposition()
        for line in ["rows 3", "bytes 2100", "limit_bytes 2000", "oldest_seconds 3", "failing 1"] {
            #expect(metrics.contains("\nweir_gateway_outbox_\(line)\n"))
        }
    }

    @Test func `a secret is not shown by printing, dumping or interpolating it`() throws {
        let secret = try #require(Secret("provider-key-canary"))
        var dumped = ""
        dump(secret, to: &dumped)
        let configuration = GatewayConfiguration(
            listen: .init(host: "h", port: 0), operations: nil, anthropic: .init(url: "http://a", key: secret),
            openAI: .init(url: "http://a", key: nil))
        var whole = ""
        dump(configuration, to: &whole)
        for text in ["\(secret)", String(reflecting: secret), dumped, whole, "\(configuration)"] {
            #expect(!text.contains("canary"))
        }
        #expect(secret.reveal() == "provider-key-canary")
        #expect(Secret("") == nil && Secret("a\r\nb") == nil)
    }

    @Test(arguments: [
        "ftp://host", "host", "http://", "http:///x", "http://user@host", "http://host?x", "http://host#x",
        "http://:80",
        "http://ho st",
    ])
    func `a provider's URL that could lead elsewhere is refused at start`(url: String) {
        var configuration = GatewayConfiguration(
            listen: .init(host: "h", port: 0), operations: nil, anthropic: .init(url: url, key: nil),
            openAI: .init(url: "https://api.openai.com", key: nil))
        #expect(configuration.problem != nil)
        configuration.anthropic.url = "https://api.anthropic.com/"
        #expect(configuration.problem == nil)
        configuration.limits.bodyBytes = 0
        #expect(configuration.problem != nil)
    }
}
