import Testing

@testable import WeirSimulator

@Suite struct OpenAIAnswerTests {
    static let kinds = "input=100;cache-read=7;output=50;reasoning=20"
    static let billed = SimulatedUsage(freshInput: 100, cacheRead: 7, output: 50, reasoning: 20)

    @Test func `cached tokens are among the prompt tokens and reasoning among the completion tokens`() async throws {
        try await withSimulator { simulator in
            let json = try await simulator.send("/v1/chat/completions", Request.chat, simulate: Self.kinds).json
            #expect(try json.at("object") == "chat.completion" && json.at("model") == "gpt-4o")
            #expect(try json.at("choices.0.message.content", as: String.self).utf8.count == 120)
            #expect(try json.at("choices.0.finish_reason") == "stop")
            #expect(try json.at("usage.prompt_tokens") == 107)
            #expect(try json.at("usage.prompt_tokens_details.cached_tokens") == 7)
            #expect(try json.at("usage.completion_tokens") == 50)
            #expect(try json.at("usage.completion_tokens_details.reasoning_tokens") == 20)
            #expect(try json.at("usage.total_tokens") == 157)
            #expect(try await simulator.lastCall().usage == Self.billed)
        }
    }

    @Test func `a stream reports usage only when asked, in a chunk without choices`() async throws {
        try await withSimulator { simulator in
            let silent = try await simulator.send("/v1/chat/completions", Request.chatStream, simulate: Self.kinds)
            #expect(silent.text.hasSuffix("data: [DONE]\n\n"))
            #expect(try silent.events.allSatisfy { $0.data["usage"] == nil })
            #expect(try silent.events.first?.data.at("choices.0.delta.role") == "assistant")
            #expect(try silent.events.last?.data.at("choices.0.finish_reason") == "stop")

            let asking =
                #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#
            let asked = try await simulator.send("/v1/chat/completions", asking, simulate: Self.kinds).events
            let last = try #require(asked.last).data
            #expect(try last.at("choices", as: [Any].self).isEmpty)
            #expect(try last.at("usage.prompt_tokens") == 107 && last.at("usage.completion_tokens") == 50)
            #expect(asked.dropLast().allSatisfy { $0.data["usage"] != nil && !($0.data["usage"] is [String: Any]) })
            #expect(simulator.log().count == 2)
            #expect(try await simulator.lastCall().usage == Self.billed)
        }
    }

    @Test func `every choice is written and billed`() async throws {
        try await withSimulator { simulator in
            let body =
                #"{"model":"gpt-4o","n":3,"max_completion_tokens":4,"messages":[{"role":"user","content":"hi"}]}"#
            let json = try await simulator.send("/v1/chat/completions", body, simulate: "output=9").json
            #expect(try json.at("choices", as: [Any].self).count == 3)
            #expect(try json.at("choices.2.index") == 2 && json.at("choices.2.finish_reason") == "length")
            #expect(try json.at("usage.completion_tokens") == 12)
            let stream = body.replacing(#""n":3"#, with: #""n":3,"stream":true"#)
            let events = try await simulator.send("/v1/chat/completions", stream, simulate: "output=9;chunks=2").events
            #expect(events.count == 12)
            #expect(try events.filter { try $0.data.at("choices.0.index") == 2 }.count == 4)
            #expect(try await simulator.lastCall().usage.output == 12)
        }
    }

    @Test func `a tool call is the same plain and streamed`() async throws {
        try await withSimulator { simulator in
            let simulate = "tool=look_up;output=6;chunks=4"
            let plain = try await simulator.send("/v1/chat/completions", Request.chat, simulate: simulate).json
            #expect(try plain.at("choices.0.finish_reason") == "tool_calls")
            #expect(try plain.at("choices.0.message.tool_calls.0.function.name") == "look_up")
            let arguments: String = try plain.at("choices.0.message.tool_calls.0.function.arguments")
            #expect(try object(arguments)["text"] as? String != "")
            let stream = try await simulator.send("/v1/chat/completions", Request.chatStream, simulate: simulate).events
            #expect(try stream[0].data.at("choices.0.delta.tool_calls.0.function.name") == "look_up")
            let pieces = try stream[1...4].map {
                try $0.data.at("choices.0.delta.tool_calls.0.function.arguments", as: String.self)
            }
            #expect(pieces.joined() == arguments)
        }
    }

    @Test func `responses carry the same usage plain and streamed`() async throws {
        try await withSimulator { simulator in
            let plain = try await simulator.send("/v1/responses", Request.responses, simulate: Self.kinds).json
            #expect(try plain.at("status") == "completed" && plain.at("output.0.content.0.type") == "output_text")
            #expect(try plain.at("usage.input_tokens") == 107 && plain.at("usage.output_tokens") == 50)
            #expect(try plain.at("usage.input_tokens_details.cached_tokens") == 7)
            #expect(try plain.at("usage.output_tokens_details.reasoning_tokens") == 20)
            let events = try await simulator.send("/v1/responses", Request.responsesStream, simulate: Self.kinds).events
            #expect(try events.enumerated().allSatisfy { try $1.data.at("sequence_number") == $0 })
            #expect(events.first?.name == "response.created" && events.last?.name == "response.completed")
            #expect(try events.last?.data.at("response.usage.output_tokens") == 50)
            let text = try events.filter { $0.name == "response.output_text.delta" }
                .map { try $0.data.at("delta", as: String.self) }.joined()
            #expect(try plain.at("output.0.content.0.text") == text)
            #expect(try await simulator.lastCall().usage == Self.billed)

            let cut = #"{"model":"gpt-4o","input":"hi","stream":true,"max_output_tokens":3}"#
            let last = try await simulator.send("/v1/responses", cut).events.last
            #expect(last?.name == "response.incomplete")
            #expect(try last?.data.at("response.incomplete_details.reason") == "max_output_tokens")
            let tool = try await simulator.send("/v1/responses", Request.responsesStream, simulate: "tool=f").events
            #expect(try tool.last?.data.at("response.output.0.name") == "f")
            #expect(try tool.enumerated().allSatisfy { try $1.data.at("sequence_number") == $0 })
        }
    }

    @Test func `embeddings have one vector for each text and cost only input`() async throws {
        try await withSimulator { simulator in
            let list = try await simulator.send(
                "/v1/embeddings", #"{"model":"e","input":["a","b"]}"#, simulate: "input=9"
            ).json
            #expect(try list.at("data", as: [Any].self).count == 2)
            #expect(try list.at("data.1.embedding", as: [Double].self).count == 1536)
            #expect(try list.at("usage.prompt_tokens") == 9)
            let packed = try await simulator.send(
                "/v1/embeddings", #"{"model":"e","input":"a","encoding_format":"base64"}"#, simulate: "input=9"
            ).json
            #expect(try packed.at("data.0.embedding", as: String.self).utf8.count == 1536 * 4 * 4 / 3)
            #expect(try await simulator.lastCall().usage == SimulatedUsage(freshInput: 9))
        }
    }

    @Test func `models are listed in the dialect of the caller`() async throws {
        try await withSimulator { simulator in
            #expect(try await simulator.send("/v1/models").json.at("object") == "list")
            let anthropic = try await simulator.send("/v1/models", key: ("x-api-key", "k")).json
            #expect(try anthropic.at("has_more") == false && anthropic.at("data.0.type") == "model")
        }
    }
}
