import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Testing

@testable import WeirSimulator

@Suite struct SimulatorTests {
    @Test func `the log over HTTP is one JSON object for each call`() async throws {
        try await withSimulator { simulator in
            var request = simulator.request("/v1/messages?beta=true", Request.messages, simulate: "input=4")
            request.headers.add(name: "weir-request-id", value: "r-\"1\"")
            _ = try await HTTPClient.shared.execute(request, timeout: .seconds(20)).body.collect(upTo: 1 << 20)
            _ = try await simulator.send("/v1/nothing")
            let seen = try await simulator.send("/log")
            let lines = try seen.text.split(separator: "\n").map { try object(String($0)) }
            #expect(lines.count == 2 && seen.headers["weir-simulator-dropped"] == "0")
            let call = lines[0]
            #expect(try call.at("id") == 1 && call.at("key") == "sk-test" && call.at("endpoint") == "/v1/messages")
            #expect(try call.at("model") == "claude-sonnet-4" && call.at("stream") == false)
            #expect(try call.at("input_tokens") == 4 && call.at("output_tokens") == 20)
            #expect(try call.at("cache_read_tokens") == 0 && call.at("cache_write_5m_tokens") == 0)
            #expect(try call.at("cache_write_1h_tokens") == 0 && call.at("reasoning_tokens") == 0)
            #expect(try call.at("outcome") == "completed" && call.at("status") == 200)
            #expect(try call.at("request") == "r-\"1\"")
            #expect(try abs(call.at("called_at_ms", as: Double.self) / 1000 - Date().timeIntervalSince1970) < 3600)
            let headers: [[String]] = try call.at("request_headers")
            #expect(headers.contains(["x-simulate", "input=4"]) && headers.contains(["x-api-key", "***"]))
            #expect(try lines[1].at("outcome") == "error" && lines[1].at("status") == 404)
            #expect(lines[1]["request"] is NSNull)
            #expect(!seen.text.contains("sk-test\"]"))
        }
    }

    @Test func `the log can be cleared`() async throws {
        try await withSimulator { simulator in
            _ = try await simulator.send("/v1/messages", Request.messages)
            let cleared = try await simulator.send("/log", method: "DELETE")
            #expect(cleared.status == 204)
            #expect(try await simulator.send("/log").text.isEmpty)
            #expect(simulator.log().isEmpty)
        }
    }

    @Test func `a running stream is in the log as open with the output made so far`() async throws {
        try await withSimulator { simulator in
            let request = simulator.request(
                "/v1/messages", Request.messagesStream, simulate: "input=8;output=10;chunks=2;delay-ms=60000")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            var iterator = response.body.makeAsyncIterator()
            var text = ""
            while !text.contains("content_block_delta") {
                guard let part = try await iterator.next() else { break }
                text += String(buffer: part)
            }
            while simulator.log()[0].usage.output == 0 { try await Task.sleep(for: .milliseconds(2)) }
            _ = try await simulator.send("/v1/messages", Request.messages)
            let lines = try await simulator.send("/log?state=open").text.split(separator: "\n")
            #expect(lines.count == 1)
            let call = try object(String(try #require(lines.first)))
            #expect(try call.at("outcome") == "open" && call.at("output_tokens") == 5 && call.at("input_tokens") == 8)
        }
    }

    @Test(arguments: [
        ("/v1/messages", Request.messages, ("x-api-key", "k"), 200),
        ("/v1/messages", Request.messages, ("authorization", "Bearer k"), 200),
        ("/v1/messages", Request.messages, ("", ""), 401),
        ("/v1/messages", Request.messages, ("authorization", "Basic k"), 401),
        ("/v1/chat/completions", Request.chat, ("Authorization", "bearer k"), 200),
        ("/v1/chat/completions", Request.chat, ("x-api-key", "k"), 401),
        ("/v1/chat/completions", Request.chat, ("", ""), 401),
    ])
    func `each provider knows its own credentials`(
        path: String, body: String, key: (String, String), status: Int
    ) async throws {
        try await withSimulator { simulator in
            let seen = try await simulator.send(path, body, key: (name: key.0, value: key.1))
            #expect(seen.status == status)
            #expect(try await simulator.lastCall().key == (status == 200 ? "k" : ""))
        }
    }

    @Test(arguments: [
        ("/v1/messages", #"{"model":"m","messages":[{}]}"#, "max_tokens: Field required"),
        ("/v1/messages", #"{"max_tokens":1,"messages":[{}]}"#, "model: Field required"),
        ("/v1/messages", #"{"model":"m","max_tokens":1}"#, "messages: Field required"),
        ("/v1/chat/completions", #"{"model":"m"}"#, "Missing required parameter: 'messages'."),
        (
            "/v1/chat/completions", #"{"model":"m","messages":[{}],"max_tokens":1,"max_completion_tokens":1}"#,
            "same time"
        ),
        ("/v1/chat/completions", #"{"model":"m","messages":[{}],"stream_options":{}}"#, "only allowed when 'stream'"),
        ("/v1/embeddings", #"{"model":"m","input":[]}"#, "Missing required parameter: 'input'."),
        ("/v1/responses", #"{"input":"a""#, "not a JSON object"),
    ])
    func `a request that a provider would refuse is refused`(path: String, body: String, words: String) async throws {
        try await withSimulator { simulator in
            let seen = try await simulator.send(path, body)
            #expect(seen.status == 400)
            #expect(try seen.json.at("error.message", as: String.self).contains(words))
            #expect(try await simulator.lastCall().outcome == .error)
        }
    }

    @Test func `without instructions input follows the body's size`() async throws {
        try await withSimulator { simulator in
            _ = try await simulator.send("/v1/messages", Request.messages)
            let call = try await simulator.lastCall()
            #expect(call.usage == SimulatedUsage(freshInput: Request.messages.utf8.count / 4, output: 20))
        }
    }

    @Test func `a thousand calls at once are all answered and logged once`() async throws {
        try await withSimulator { simulator in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...1000 {
                    group.addTask {
                        try await simulator.send("/v1/messages", Request.messages, simulate: "input=\(number)").status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            let calls = simulator.log()
            #expect(calls.count == 1000 && Set(calls.map(\.id)).count == 1000)
            #expect(calls.map(\.usage.freshInput).reduce(0, +) == 500_500)
            #expect(calls.allSatisfy { $0.outcome == .completed })
        }
    }

    @Test func `health is told without a key and is no call`() async throws {
        try await withSimulator { simulator in
            let health = try await simulator.send("/healthz", key: ("", ""))
            #expect(health.status == 200)
            #expect(simulator.log().isEmpty)
        }
    }

    @Test(arguments: ["/healthz", "/log", "/v1/messages", "/v1/models"])
    func `HEAD is answered without a body, so that the connection stays in step`(path: String) async throws {
        try await withSimulator { simulator in
            for _ in 1...3 {
                #expect(try await simulator.send(path, method: "HEAD").text.isEmpty)
            }
            let health = try await simulator.send("/healthz")
            #expect(health.text == "ok\n")
        }
    }

    @Test func `a port in use is an error of start`() async throws {
        try await withSimulator { first in
            let port = try #require(Int(first.url.split(separator: ":").last ?? ""))
            let second = Simulator(configuration: SimulatorConfiguration(port: port), logger: .init(label: "second"))
            await #expect(throws: (any Error).self) { try await second.start() }
            try await second.stop()
        }
    }
}
