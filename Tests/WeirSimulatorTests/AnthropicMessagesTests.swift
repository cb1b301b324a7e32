import Testing

@testable import WeirSimulator

@Suite struct AnthropicMessagesTests {
    static let kinds = "input=100;output=50;cache-read=7;cache-write-5m=11;cache-write-1h=13"
    static let billed = SimulatedUsage(
        freshInput: 100, cacheRead: 7, cacheWrite5m: 11, cacheWrite1h: 13, output: 50)

    @Test func `a plain answer reports every kind of token and is billed for the same`() async throws {
        try await withSimulator { simulator in
            let seen = try await simulator.send("/v1/messages", Request.messages, simulate: Self.kinds)
            let json = try seen.json
            #expect(seen.status == 200 && seen.headers["content-type"] == "application/json")
            #expect(seen.headers["request-id"] != nil)
            #expect(try json.at("type") == "message" && json.at("role") == "assistant")
            #expect(try json.at("model") == "claude-sonnet-4")
            #expect(try json.at("content.0.type") == "text")
            #expect(try json.at("content.0.text", as: String.self).utf8.count == 200)
            #expect(try json.at("stop_reason") == "end_turn")
            #expect(try json.at("usage.input_tokens") == 100)
            #expect(try json.at("usage.cache_read_input_tokens") == 7)
            #expect(try json.at("usage.cache_creation_input_tokens") == 24)
            #expect(try json.at("usage.cache_creation.ephemeral_5m_input_tokens") == 11)
            #expect(try json.at("usage.cache_creation.ephemeral_1h_input_tokens") == 13)
            #expect(try json.at("usage.output_tokens") == 50)
            let call = try await simulator.lastCall()
            #expect(call.usage == Self.billed)
            #expect(call.outcome == .completed && call.status == 200 && !call.isStream)
            #expect(call.key == "sk-test" && call.endpoint == "/v1/messages" && call.model == "claude-sonnet-4")
        }
    }

    @Test func `a stream has the events of the real one, in order, and adds up to the same usage`() async throws {
        try await withSimulator { simulator in
            let seen = try await simulator.send(
                "/v1/messages", Request.messagesStream, simulate: Self.kinds + ";chunks=3")
            #expect(seen.headers["content-type"] == "text/event-stream; charset=utf-8")
            let events = try seen.events
            #expect(
                events.map(\.name) == [
                    "message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
                    "content_block_delta", "content_block_stop", "message_delta", "message_stop",
                ])
            #expect(try events.allSatisfy { try $0.data.at("type") == $0.name })
            let start = events[0].data
            #expect(try start.at("message.usage.input_tokens") == 100)
            #expect(try start.at("message.usage.cache_read_input_tokens") == 7)
            #expect(try start.at("message.usage.cache_creation_input_tokens") == 24)
            #expect(try start.at("message.usage.output_tokens") == 1)
            let text = try events[3...5].map { try $0.data.at("delta.text", as: String.self) }.joined()
            #expect(text.utf8.count == 200)
            #expect(try events[7].data.at("usage.output_tokens") == 50)
            #expect(try events[7].data.at("delta.stop_reason") == "end_turn")
            let call = try await simulator.lastCall()
            #expect(call.usage == Self.billed && call.outcome == .completed && call.isStream)
        }
    }

    @Test func `max_tokens cuts the answer and says so`() async throws {
        try await withSimulator { simulator in
            let body = #"{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#
            let stream = try await simulator.send("/v1/messages", body, simulate: "output=50").events
            let delta = try #require(stream.first { $0.name == "message_delta" }).data
            #expect(try delta.at("delta.stop_reason") == "max_tokens" && delta.at("usage.output_tokens") == 5)
            #expect(try await simulator.lastCall().usage.output == 5)
        }
    }

    @Test func `a tool call is the same plain and streamed`() async throws {
        try await withSimulator { simulator in
            let simulate = "tool=get_weather;output=6;chunks=4"
            let plain = try await simulator.send("/v1/messages", Request.messages, simulate: simulate).json
            #expect(try plain.at("stop_reason") == "tool_use" && plain.at("content.0.name") == "get_weather")
            let input: [String: String] = try plain.at("content.0.input")
            let stream = try await simulator.send("/v1/messages", Request.messagesStream, simulate: simulate).events
            #expect(try stream[1].data.at("content_block.name") == "get_weather")
            let json = try stream.filter { $0.name == "content_block_delta" }
                .map { try $0.data.at("delta.partial_json", as: String.self) }.joined()
            #expect(try object(json) as? [String: String] == input)
        }
    }

    @Test func `thinking is a part of the output and told apart`() async throws {
        try await withSimulator { simulator in
            let simulate = "output=50;reasoning=30"
            let plain = try await simulator.send("/v1/messages", Request.messages, simulate: simulate).json
            #expect(try plain.at("usage.output_tokens") == 50)
            #expect(try plain.at("usage.output_tokens_details.thinking_tokens") == 30)
            #expect(try plain.at("content.0.text", as: String.self).utf8.count == 80)
            let stream = try await simulator.send("/v1/messages", Request.messagesStream, simulate: simulate).events
            let delta = try #require(stream.first { $0.name == "message_delta" }).data
            #expect(try delta.at("usage.output_tokens_details.thinking_tokens") == 30)
            #expect(try await simulator.lastCall().usage.reasoning == 30)
        }
    }

    @Test func `counting tokens costs nothing`() async throws {
        try await withSimulator { simulator in
            let body = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
            let json = try await simulator.send("/v1/messages/count_tokens", body, simulate: "input=42").json
            #expect(try json.at("input_tokens") == 42)
            let call = try await simulator.lastCall()
            #expect(call.usage == SimulatedUsage() && call.outcome == .completed)
        }
    }
}
