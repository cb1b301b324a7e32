import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    /// What Prometheus gets to see.
    @Suite struct MonitoringTests {
        private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent()

        private func file(_ path: String) throws -> String {
            try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
        }

        /// Names of Weir's metrics in a text, a histogram's by its own name.
        private func names(in text: String) -> Set<String> {
            Set(
                text.matches(of: /weir_[a-z_]+[a-z]/).map { match in
                    var name = String(match.output)
                    for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
                        name.removeLast(suffix.count)
                    }
                    return name
                })
        }

        private func metrics(_ url: String, token: String? = nil) async throws -> String {
            var request = HTTPClientRequest(url: url + "/metrics")
            if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
            let answer = try await Stack.http.execute(request, timeout: .seconds(10))
            #expect(answer.status == .ok)
            #expect(answer.headers.first(name: "content-type") == "text/plain; version=0.0.4; charset=utf-8")
            return String(buffer: try await answer.body.collect(upTo: 1 << 22))
        }

        /// Name and type of all that a process says it measures.
        private func types(_ text: String) -> Set<String> {
            Set(text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.dropFirst(7)) })
        }

        @Test func `docs, dashboard and rules name what the processes measure, and docs name all of it`() async throws {
            let stack = try Stack.here
            let gateway = types(try await metrics(stack.ready.ops[0]))
            let aggregator = types(try await metrics(stack.aggregator, token: stack.ready.admin_token))
            let simulator = types(try await metrics(stack.ready.simulator))
            let documented = try file("docs/metrics.md").split(separator: "\n").filter { $0.hasPrefix("| `weir_") }
                .map { line in line.split(separator: "|").map { $0.trimmingCharacters(in: .init(charactersIn: " `")) } }
            func expected(_ process: String) -> Set<String> {
                Set(documented.filter { $0[3].contains(process) }.map { "\($0[0]) \($0[1])" })
            }
            #expect(expected("gateway") == gateway)
            #expect(expected("aggregator") == aggregator)
            #expect(expected("simulator") == simulator)
            let known = Set(gateway.union(aggregator).compactMap { $0.split(separator: " ").first.map(String.init) })
            for path in ["deploy/grafana/weir.json", "deploy/prometheus/weir-rules.yml"] {
                let named = names(in: try file(path))
                #expect(named.subtracting(known) == [], "\(path)")
                #expect(named.count > 10)
            }
            #expect(
                known.subtracting(names(in: try file("deploy/grafana/weir.json"))) == [
                    "weir_aggregator_ready", "weir_gateway_abandoned_total", "weir_gateway_api_requests_total",
                    "weir_gateway_blind_open_seconds", "weir_gateway_outbox_bytes", "weir_gateway_outbox_limit_bytes",
                ])
        }

        @Test func `the rules and the example's configuration are sound, and alert when they should`() throws {
            let directory = Self.root.path + "/deploy/prometheus"
            for arguments in [
                ["check", "rules", "weir-rules.yml"], ["check", "config", "--syntax-only", "prometheus.yml"],
                ["test", "rules", "weir-rules.test.yml"],
            ] {
                let verdict = try runTool(
                    "promtool", Array(arguments.dropLast()) + [directory + "/" + (arguments.last ?? "")])
                #expect(verdict.code == 0, "\(verdict.said)")
            }
            let sections = Set(
                try file("deploy/prometheus/weir-rules.yml").matches(of: /runbook: 'docs\/operations.md, "([^"]+)"'/)
                    .map {
                        String($0.output.1)
                    })
            #expect(sections.count >= 8)
        }

        @Test func `Prometheus scrapes every process, and knows each decision by its labels`() async throws {
            let stack = try Stack.here
            let person = try await stack.newPerson(team: "measured", user: "m")
            #expect(try await stack.call(person, gateway: 0).status == 200)
            #expect(try await stack.call(person, CallRequest(product: "no-such-product"), gateway: 0).status != 200)
            try await withTemporaryDirectory { directory in
                let token = directory + "/token"
                try stack.ready.admin_token.write(toFile: token, atomically: true, encoding: .utf8)
                func host(_ url: String) -> String { String(url.dropFirst("http://".count)) }
                let configuration = """
                    global: { scrape_interval: 1s, scrape_timeout: 1s }
                    rule_files: ["\(Self.root.path)/deploy/prometheus/weir-rules.yml"]
                    scrape_configs:
                      - { job_name: weir-gateway, static_configs: [{ targets: ["\(host(stack.ready.ops[0]))", "\(host(stack.ready.ops[1]))"] }] }
                      - { job_name: weir-simulator, static_configs: [{ targets: ["\(host(stack.ready.simulator))"] }] }
                      - { job_name: weir-aggregator, authorization: { credentials_file: "\(token)" }, static_configs: [{ targets: ["\(host(stack.aggregator))"] }] }
                    """
                try configuration.write(toFile: directory + "/prometheus.yml", atomically: true, encoding: .utf8)
                let port = try freePort()
                let prometheus = try Program(
                    "prometheus",
                    [
                        "--config.file", directory + "/prometheus.yml", "--storage.tsdb.path", directory + "/data",
                        "--web.listen-address", "127.0.0.1:\(port)",
                    ], environment: Program.inherited([:]), logFile: directory + "/prometheus.log")
                let watchdog = try Watchdog(over: prometheus.pid, directory: directory)
                do {
                    try await scraped(port: port)
                } catch {
                    prometheus.send(signal: SIGTERM)
                    _ = await prometheus.end()
                    watchdog.dismiss()
                    throw Program.Problem(description: "\(error)\n\(prometheus.log.suffix(4_000))")
                }
                prometheus.send(signal: SIGTERM)
                _ = await prometheus.end()
                watchdog.dismiss()
            }
        }

        private struct Targets: Decodable {
            struct Content: Decodable { let activeTargets: [Target] }
            struct Target: Decodable {
                let health: String
                let lastError: String
            }
            let data: Content
        }

        private struct Answer: Decodable {
            struct Content: Decodable { let result: [Result] }
            struct Result: Decodable { let metric: [String: String] }
            let data: Content
        }

        private func scraped(port: Int) async throws {
            func get<Value: Decodable>(_ path: String, as _: Value.Type) async throws -> Value? {
                let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/api/v1/\(path)")
                guard let answer = try? await Stack.http.execute(request, timeout: .seconds(5)) else { return nil }
                let body = try await answer.body.collect(upTo: 1 << 22)
                return try? JSONDecoder().decode(Value.self, from: Data(body.readableBytesView))
            }
            try await eventually("all targets are up", within: .seconds(60)) {
                let targets = try await get("targets", as: Targets.self)?.data.activeTargets ?? []
                return targets.count == 4 && targets.allSatisfy { $0.health == "up" && $0.lastError.isEmpty }
            }
            let decisions = try await get(
                "query?query=weir_gateway_decisions_total%7Boutcome%3D%22admitted%22%7D", as: Answer.self)
            let labels = try #require(decisions?.data.result.first { $0.metric["product"] == "default" }?.metric)
            #expect(labels["class"] == "ai" && labels["reason"] == "none")
            for name in [
                "weir_gateway_decision_seconds_bucket", "weir_redis_round_trip_seconds_count",
                "weir_aggregator_leading",
                "weir_gateway_outage_state", "weir_gateway_outbox_rows", "weir_simulator_calls_total",
            ] {
                #expect(try await get("query?query=\(name)", as: Answer.self)?.data.result.isEmpty == false, "\(name)")
            }
            try await eventually("the survey's values are there", within: .seconds(60)) {
                for name in ["weir_ingest_lag_events", "weir_kill_switch_thrown", "weir_spend_today_micros"] {
                    let answer = try await get("query?query=\(name)", as: Answer.self)
                    if answer?.data.result.isEmpty ?? true { return false }
                }
                return true
            }
        }
    }
}
