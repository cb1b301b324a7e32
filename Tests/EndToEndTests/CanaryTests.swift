import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeirRedis
import WeirTestSupport

extension EndToEnd {
    /// Every secret and every text of a call is a word that is looked for afterwards in all that the processes say and keep.
    @Suite struct CanaryTests {
        private static let secrets = [
            "redis": "canary-redis-password", "anthropic": "canary-anthropic-key", "openai": "canary-openai-key",
            "gemini": "canary-gemini-key", "admin": "canary-admin-token-long-enough", "alert": "canary-alert-secret",
            "upstream": "canary-upstream-key", "prompt": "canary-prompt-text", "wrong": "canary-wrong-key",
            "header": "canary-header-value",
        ]
        private static func secret(_ name: String) -> String { secrets[name] ?? "" }

        private func start(
            _ name: String, _ arguments: [String], _ environment: [String: String], _ directory: String
        ) async throws -> (program: Program, urls: [String]) {
            let program = try Program(
                Program.weir, arguments, environment: Program.inherited(environment),
                logFile: "\(directory)/\(name).log")
            var line: Substring?
            try await eventually("\(name) is ready: \(program.log)", within: .seconds(60)) {
                line = program.log.split(separator: "\n").first { $0.contains(" ready: ") }
                return line != nil || !program.isRunning
            }
            let words = try #require(line, "\(program.log)").split(separator: " ")
            return (program, words.filter { $0.hasPrefix("http://") }.map(String.init))
        }

        @Test(arguments: ["debug", "trace"])
        func `no secret and no text of a call is in any log, metric, ledger, outbox or alert`(level: String)
            async throws
        {
            try await withTemporaryDirectory { directory in
                try await withRedis { server in
                    try await withConnection(to: server) { redis in
                        _ = try await redis.send(["CONFIG", "SET", "requirepass", .string(Self.secret("redis"))])
                    }
                    try await run(directory: directory, port: server.port, level: level)
                }
            }
        }

        private func run(directory: String, port: Int, level: String) async throws {
            var programs: [Program] = []
            func end() async {
                for program in programs.reversed() {
                    program.send(signal: SIGTERM)
                    _ = await program.end()
                }
            }
            do {
                let simulator = try await start("simulator", ["simulator", "--listen", "127.0.0.1:0"], [:], directory)
                programs.append(simulator.program)
                let provider = try #require(simulator.urls.first)
                let policy = """
                    products:
                      default: { class: ai, billable: true, resource: ai_credits }
                      own: { class: ai, upstream: { url: "\(provider)", key_env: WEIR_UPSTREAM_OWN } }
                    classes: { ai: {} }
                    limits:
                      - { id: calls, per: user, class: ai, unit: requests, period: day, amount: 4 }
                    alerts: { at: [0.5], webhook: "\(provider)/hook/canary-webhook-path" }
                    """
                try policy.write(toFile: directory + "/policy.yaml", atomically: true, encoding: .utf8)
                let common = [
                    "WEIR_REDIS_URL": "redis://:\(Self.secret("redis"))@127.0.0.1:\(port)", "WEIR_LOG_LEVEL": level,
                    "WEIR_ADMIN_TOKEN": Self.secret("admin"), "WEIR_LISTEN": "127.0.0.1:0",
                    "WEIR_REDIS_DEADLINE_MS": "5000",
                ]
                let aggregator = try await start(
                    "aggregator",
                    ["aggregator", "--ledger", "sqlite:\(directory)/weir.db", "--policy", directory + "/policy.yaml"],
                    common.merging(["WEIR_ALERT_SECRET": Self.secret("alert")]) { $1 }, directory)
                programs.append(aggregator.program)
                let gateway = try await start(
                    "gateway", ["gateway", "--ops", "127.0.0.1:0", "--outbox", directory + "/outbox"],
                    common.merging([
                        "WEIR_ANTHROPIC_URL": provider, "WEIR_OPENAI_URL": provider, "WEIR_GEMINI_URL": provider,
                        "WEIR_ANTHROPIC_KEY": Self.secret("anthropic"), "WEIR_OPENAI_KEY": Self.secret("openai"),
                        "WEIR_GEMINI_KEY": Self.secret("gemini"), "WEIR_UPSTREAM_OWN": Self.secret("upstream"),
                        // Nobody is there: what is said of that is looked through, too.
                        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
                    ]) { $1 }, directory)
                programs.append(gateway.program)
                let admin = try #require(aggregator.urls.first)
                let commands = ["WEIR_ADMIN_URL": admin, "WEIR_ADMIN_TOKEN": Self.secret("admin")]
                let made = try await Program.run(
                    Program.weir, ["keys", "create", "--team", "acme", "--user", "alice"], environment: commands)
                let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
                try #require(made.status == 0 && key.hasPrefix("wk_"), "\(made.errors)")
                try await calls(to: gateway.urls[0], key: key)
                let wrong = try await Program.run(
                    Program.weir, ["keys", "list"],
                    environment: commands.merging(["WEIR_ADMIN_TOKEN": Self.secret("wrong")]) { $1 })
                #expect(wrong.status == 1)
                let switched = try await Program.run(
                    Program.weir, ["kill-switch", "on", "--reason", "test"], environment: commands)
                #expect(switched.status == 0)
                let tested = try await Program.run(Program.weir, ["alerts", "test"], environment: commands)
                #expect(tested.status == 1 && tested.output.contains("the webhook answered 401"), "\(tested)")
                try await eventually("the share of the limit is told", within: .seconds(60)) {
                    let listed = try await Program.run(
                        Program.weir, ["alerts", "list", "--json"], environment: commands)
                    return listed.output.contains("limit_share")
                }
                var texts = [
                    "gateway's metrics": try await text(gateway.urls[1] + "/metrics"),
                    "aggregator's metrics": try await text(admin + "/metrics", token: Self.secret("admin")),
                    "readiness": try await text(gateway.urls[1] + "/readyz"),
                    "alerts": try await Program.run(Program.weir, ["alerts", "list", "--json"], environment: commands)
                        .output,
                ]
                for arguments in [["keys", "list"], ["status"], ["usage", "--by", "team"]] {
                    let said = try await Program.run(Program.weir, arguments + ["--json"], environment: commands)
                    texts[arguments.joined(separator: " ")] = said.output + said.errors
                }
                await end()
                programs = []
                for name in ["gateway", "aggregator"] {
                    let log = try String(contentsOfFile: "\(directory)/\(name).log", encoding: .utf8)
                    texts[name + "'s log"] = log
                    try expectJSONLines(log, of: name)
                }
                #expect(texts["gateway's log"]?.contains(#""message":"call""#) == true)
                #expect(texts["aggregator's log"]?.contains(#""message":"admin change""#) == true)
                for (name, text) in texts {
                    for secret in Self.secrets.values + [key, "canary-webhook-path"] {
                        let place = text.range(of: secret)
                        #expect(place == nil, "\(secret) in \(name)")
                    }
                }
                try expectNone(of: Self.secrets.values + [key], inFilesOf: directory)
            } catch {
                await end()
                throw error
            }
        }

        /// Good calls, denied ones, of wrong keys, of unreadable bodies.
        private func calls(to gateway: String, key: String) async throws {
            for (path, key, simulate) in [
                ("/v1/messages", key, "output=3"), ("/v1/messages", key, "status=500"),
                ("/own/v1/messages", key, "output=3"), ("/v1/messages", Self.secret("wrong"), "output=3"),
                ("/v1/messages", key, "reset-after=0"), ("/v1/messages", key, "output=3"),
                ("/v1/messages", key, "output=3"), ("/v1/chat/completions", key, "output=3"), ("/v1/nothing", key, ""),
            ] {
                var request = HTTPClientRequest(url: gateway + path)
                request.method = .POST
                request.headers = [
                    "x-api-key": key, "anthropic-version": "2023-06-01", "content-type": "application/json",
                    "x-other": Self.secret("header"), "cookie": Self.secret("header"),
                ]
                if !simulate.isEmpty { request.headers.add(name: "x-simulate", value: simulate) }
                request.body = .bytes(
                    ByteBuffer(
                        string:
                            #"{"model":"claude-sonnet-4","max_tokens":50,"system":"\#(Self.secret("prompt"))","messages":[{"role":"user","content":"\#(Self.secret("prompt"))"}]}"#
                    ))
                let answer = try await Stack.http.execute(request, timeout: .seconds(60))
                _ = try? await answer.body.collect(upTo: 1 << 20)
            }
            var broken = HTTPClientRequest(url: gateway + "/v1/messages?key=" + key)
            broken.method = .POST
            broken.body = .bytes(ByteBuffer(string: "{\"model\":\"\(Self.secret("prompt"))"))
            _ = try await Stack.http.execute(broken, timeout: .seconds(60)).body.collect(upTo: 1 << 20)
        }

        private func text(_ url: String, token: String? = nil) async throws -> String {
            var request = HTTPClientRequest(url: url)
            if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
            let answer = try await Stack.http.execute(request, timeout: .seconds(30))
            return String(buffer: try await answer.body.collect(upTo: 1 << 22))
        }

        private func expectJSONLines(_ log: String, of name: String) throws {
            for line in log.split(separator: "\n") where !line.hasPrefix("weir ") {
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["message"] is String && object?["at"] is String, "\(name): \(line)")
            }
        }

        /// The ledger, the outbox, and everything beside them. The policy's file is the operator's own.
        private func expectNone(of secrets: [String], inFilesOf directory: String) throws {
            let files = try #require(FileManager.default.enumerator(atPath: directory))
            var count = 0
            for case let path as String in files where !path.hasSuffix("policy.yaml") {
                guard let data = FileManager.default.contents(atPath: directory + "/" + path) else { continue }
                count += 1
                for secret in secrets where data.range(of: Data(secret.utf8)) != nil {
                    Issue.record("\(secret) in \(path)")
                }
            }
            #expect(count >= 4)
        }
    }
}
