import AsyncHTTPClient
import NIOCore
import Testing

@testable import WeirSimulator

@Suite struct SimulatorMetricsTests {
    /// The value of a series; nil: there is none.
    private func value(_ series: String, _ simulator: Simulator) async throws -> Int? {
        let seen = try await simulator.send("/metrics", key: (name: "", value: ""))
        #expect(seen.status == 200 && seen.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        return seen.text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
            .flatMap { Int($0.dropFirst(series.count + 1)) }
    }

    private func calls(_ endpoint: String, _ provider: String, _ outcome: String, _ simulator: Simulator)
        async throws -> Int?
    {
        try await value(
            #"weir_simulator_calls_total{endpoint="\#(endpoint)",provider="\#(provider)",outcome="\#(outcome)"}"#,
            simulator)
    }

    @Test func `calls are counted by endpoint, provider and end, and their tokens by kind`() async throws {
        try await withSimulator { simulator in
            #expect(try await calls("messages", "anthropic", "completed", simulator) == 0)
            for body in [Request.messages, Request.messagesStream] {
                _ = try await simulator.send("/v1/messages", body, simulate: "input=100;output=30")
            }
            _ = try await simulator.send("/v1/chat/completions", Request.chat, simulate: "input=7;output=5")
            _ = try await simulator.send("/v1/messages", Request.messages, simulate: "status=529")
            _ = try await simulator.send("/v1/messages", Request.messages, key: (name: "", value: ""))
            _ = try await simulator.send(
                "/v1/messages", Request.messagesStream, simulate: "input=1;output=9;end-after=1;chunks=3")
            #expect(try await calls("messages", "anthropic", "completed", simulator) == 2)
            #expect(try await calls("messages", "anthropic", "error", simulator) == 2)
            #expect(try await calls("messages", "anthropic", "cut", simulator) == 1)
            #expect(try await calls("chat.completions", "openai", "completed", simulator) == 1)
            func tokens(_ provider: String, _ kind: String) async throws -> Int? {
                try await value(
                    #"weir_simulator_tokens_total{provider="\#(provider)",kind="\#(kind)"}"#, simulator)
            }
            // As the log has them, which ledgers are compared with.
            let log = simulator.log().filter { $0.endpoint == "/v1/messages" }.map(\.usage)
            #expect(try await tokens("anthropic", "input") == 201)
            #expect(try await tokens("anthropic", "output") == log.reduce(0) { $0 + $1.output })
            #expect(try await tokens("openai", "input") == 7)
            #expect(try await tokens("openai", "output") == 5)
            #expect(try await tokens("gemini", "output") == 0)
        }
    }

    @Test func `a stream is open until its client has all of it, or leaves, and its call is counted once`() async throws
    {
        try await withSimulator { simulator in
            func open() async throws -> Int? { try await value("weir_simulator_open_streams", simulator) }
            #expect(try await open() == 0)
            // One hangs, one goes on for long; the clients leave both.
            for simulate in ["output=8;chunks=8;hang-after=2", "output=9;chunks=3;delay-ms=60000"] {
                let client = HTTPClient(eventLoopGroupProvider: .singleton)
                let response = try await client.execute(
                    simulator.request("/v1/messages", Request.messagesStream, simulate: simulate),
                    timeout: .seconds(30))
                var body = response.body.makeAsyncIterator()
                _ = try await body.next()
                while try await open() != 1 { try await Task.sleep(for: .milliseconds(2)) }
                try await client.shutdown()
                while try await open() != 0 { try await Task.sleep(for: .milliseconds(2)) }
            }
            #expect(try await calls("messages", "anthropic", "hung", simulator) == 1)
            #expect(try await calls("messages", "anthropic", "client_gone", simulator) == 1)
            _ = try await simulator.send("/v1/messages", Request.messagesStream)
            #expect(try await open() == 0)
        }
    }

    @Test func `what a client sends adds no series`() async throws {
        try await withSimulator { simulator in
            func series() async throws -> [Substring] {
                try await simulator.send("/metrics").text.split(separator: "\n").map { $0.prefix { $0 != " " } }
            }
            let before = try await series()
            for number in 0..<20 {
                _ = try await simulator.send("/v1/no-such-\(number)\"}")
                _ = try await simulator.send(
                    "/v1/messages", #"{"model":"m\#(number)","max_tokens":1,"messages":[]}"#,
                    key: (name: "x-api-key", value: "key-\(number)"))
            }
            #expect(try await series() == before)
            #expect(try await calls("unknown", "openai", "error", simulator) == 20)
        }
    }
}
