import Foundation
import Testing
import WeirCore
import WeirProviders

@Suite struct OpenAIUsageTests {
    private static let chat = """
        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}

        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}],"usage":null}

        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\\"a\\":1}"}}]},"finish_reason":null}],"usage":null}

        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":0}}}

        data: [DONE]


        """

    private static let usage = TokenUsage(input: 36, cacheRead: 64, output: 50, reasoning: 30)

    private func read(_ pieces: [[UInt8]], _ endpoint: Endpoint = .chatCompletions, isEventStream: Bool = true)
        -> UsageReader
    {
        var reader = UsageReader(endpoint: endpoint, isEventStream: isEventStream)
        for piece in pieces { reader.read(piece) }
        reader.finish()
        return reader
    }

    private func read(_ text: String, _ endpoint: Endpoint = .chatCompletions, isEventStream: Bool = true)
        -> UsageReader
    {
        read([Array(text.utf8)], endpoint, isEventStream: isEventStream)
    }

    private func check(_ reader: UsageReader) {
        #expect(reader.usage == Self.usage)
        #expect(reader.charge(assumingInput: .zero).estimated == nil)
        #expect(reader.model == "gpt-4o-2024-08-06")
        #expect(reader.firstTool == "get_weather")
        #expect(reader.isComplete)
        // Hello and {"a":1}: 12 bytes
        #expect(reader.observedOutput == 3)
    }

    @Test func `a chat stream's usage is the same at every split`() {
        for text in [Self.chat, Self.chat.replacing("\n", with: "\r\n")] {
            let bytes = Array(text.utf8)
            check(read(bytes.map { [$0] }))
            for cut in 0...bytes.count { check(read([Array(bytes[..<cut]), Array(bytes[cut...])])) }
        }
    }

    @Test func `a chat stream without usage is charged by its text`() throws {
        let cut = try #require(
            Self.chat.range(
                of:
                    #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[],"#
            ))
        let charge = read(String(Self.chat[..<cut.lowerBound]) + "data: [DONE]\n\n").charge(
            assumingInput: TokenUsage(input: 9))
        #expect(charge.usage == TokenUsage(input: 9, output: 3))
        #expect(charge.estimated != nil)
    }

    @Test func `a plain chat answer is read`() {
        let reader = read(
            #"""
            {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"o3-2025-04-16","choices":[{"index":0,
             "message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
             "usage":{"prompt_tokens":10,"completion_tokens":0,"total_tokens":10}}
            """#, isEventStream: false)
        #expect(reader.usage == TokenUsage(input: 10))
        #expect(
            reader.charge(assumingInput: .zero).usage == TokenUsage(input: 10), "a stated zero is no reason to estimate"
        )
        #expect(reader.charge(assumingInput: .zero).estimated == nil)
        #expect(reader.firstTool == "f")
        #expect(reader.isComplete)
    }

    @Test func `embeddings have input only`() {
        let reader = read(
            #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-5]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            .embeddings, isEventStream: false)
        #expect(reader.usage == TokenUsage(input: 8))
        #expect(reader.charge(assumingInput: .zero).estimated == nil)
    }

    private static let responses = """
        event: response.created
        data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-5-2025-08-07","output":[],"usage":null,"error":null,"tools":[{"type":"function","name":"not_called"}]}}

        event: response.output_item.added
        data: {"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","status":"in_progress","arguments":"","call_id":"c","name":"lookup"}}

        event: response.function_call_arguments.delta
        data: {"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\\"q\\":1}"}

        event: response.output_text.delta
        data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Hey"}

        event: response.completed
        data: {"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-5-2025-08-07","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"Hey"}]}],"usage":{"input_tokens":37,"input_tokens_details":{"cached_tokens":7,"cache_write_tokens":10},"output_tokens":11,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":48}}}


        """

    @Test func `a responses stream is read at every split`() {
        let bytes = Array(Self.responses.utf8)
        for cut in 0...bytes.count {
            let reader = read([Array(bytes[..<cut]), Array(bytes[cut...])], .responses)
            #expect(reader.usage == TokenUsage(input: 20, cacheRead: 7, cacheWrite5m: 10, output: 11, reasoning: 4))
            #expect(reader.charge(assumingInput: .zero).estimated == nil)
            #expect(reader.firstTool == "lookup")
            #expect(reader.model == "gpt-5-2025-08-07")
            #expect(reader.isComplete)
            // {"q":1} and Hey, each counted once: 10 bytes
            #expect(reader.observedOutput == 3)
            #expect(reader.providerError == nil)
        }
    }

    @Test func `a plain response is read`() {
        let reader = read(
            #"{"id":"resp_1","model":"gpt-5","output":[{"type":"function_call","name":"f","arguments":"{}"}],"usage":{"input_tokens":3,"output_tokens":4},"error":null}"#,
            .responses, isEventStream: false)
        #expect(reader.usage == TokenUsage(input: 3, output: 4))
        #expect(reader.firstTool == "f")
    }

    @Test func `a running count beside text is final only at the end`() {
        let running =
            "data: {\"choices\":[{\"delta\":{\"content\":\"12345678\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n"
        let cut = read(running).charge(assumingInput: .zero)
        #expect(cut.usage == TokenUsage(input: 5, output: 2))
        #expect(cut.estimated != nil)
        let whole = read(running + "data: [DONE]\n\n").charge(assumingInput: .zero)
        #expect(whole.usage == TokenUsage(input: 5, output: 1))
        #expect(whole.estimated == nil)
    }

    @Test func `errors inside streams are reported`() {
        #expect(
            read("data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"code\":null}}\n\n").providerError
                == "server_error: boom")
        let failed = read(
            "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"no\"},\"usage\":null}}\n\n",
            .responses)
        #expect(failed.providerError == "server_error: no")
        #expect(failed.isComplete)
    }

    @Test(arguments: [
        // more read from the cache than there was input: the reading that costs most
        (
            #"{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":50}}"#,
            TokenUsage(input: 5, cacheRead: 50, output: 1), true
        ),
        (
            #"{"prompt_tokens":5,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":50}}"#,
            TokenUsage(input: 5, output: 1, reasoning: 1), false
        ),
        (
            #"{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":null}"#, TokenUsage(input: 5, output: 1),
            false
        ),
        (#"{"prompt_tokens":-5,"completion_tokens":1}"#, TokenUsage(input: 7, output: 1), true),
        (#"{"prompt_tokens":5,"completion_tokens":-1}"#, TokenUsage(input: 5), true),
        (
            #"{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":-1}}"#,
            TokenUsage(input: 5, output: 1), true
        ),
        (#"{"prompt_tokens":0,"completion_tokens":0}"#, .zero, false),
    ])
    func `kinds are disjoint and only counts count`(usage: String, wanted: TokenUsage, estimated: Bool) {
        let charge = read("data: {\"choices\":[],\"usage\":\(usage)}\n\ndata: [DONE]\n\n").charge(
            assumingInput: TokenUsage(input: 7))
        #expect(charge.usage == wanted)
        #expect((charge.estimated != nil) == estimated)
    }
}
