import Testing
import WeirCore
import WeirProviders

@Suite struct AnthropicUsageTests {
    /// A text answer with a tool call, as the public documentation shows them.
    private static let stream = """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-sonnet-4-5-20250929","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":472,"cache_creation_input_tokens":300,"cache_read_input_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":100},"output_tokens":2,"service_tier":"standard"}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: ping
        data: {"type": "ping"}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Okay, let\\u0027s"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: content_block_start
        data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"city\\""}}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}

        event: message_stop
        data: {"type":"message_stop"}


        """

    private static let usage = TokenUsage(input: 472, cacheRead: 1000, cacheWrite5m: 200, cacheWrite1h: 100, output: 89)

    private func read(_ pieces: [[UInt8]], isEventStream: Bool = true) -> UsageReader {
        var reader = UsageReader(endpoint: .messages, isEventStream: isEventStream)
        for piece in pieces { reader.read(piece) }
        reader.finish()
        return reader
    }

    private func read(_ text: String, isEventStream: Bool = true) -> UsageReader {
        read([Array(text.utf8)], isEventStream: isEventStream)
    }

    private func check(_ reader: UsageReader) {
        #expect(reader.usage == Self.usage)
        let charge = reader.charge(assumingInput: TokenUsage(input: 7))
        #expect(charge.usage == Self.usage)
        #expect(charge.estimated == nil)
        #expect(reader.model == "claude-sonnet-4-5-20250929")
        #expect(reader.firstTool == "get_weather")
        #expect(reader.isComplete)
        #expect(reader.providerError == nil)
        // "Okay, let's" is 11 bytes, {"city" 7: 18 / 4, rounded up
        #expect(reader.observedOutput == 5)
    }

    @Test func `a stream's usage is the same at every split`() {
        for text in [Self.stream, Self.stream.replacing("\n", with: "\r\n"), Self.stream.replacing("\n", with: "\r")] {
            let bytes = Array(text.utf8)
            check(read([bytes]))
            check(read(bytes.map { [$0] }))
            for cut in 0...bytes.count { check(read([Array(bytes[..<cut]), Array(bytes[cut...])])) }
        }
    }

    @Test func `a plain answer is read at its end`() {
        let body = #"""
            {"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-1-20250805","content":[{"type":"text","text":"Hi"},
             {"type":"tool_use","id":"t","name":"search","input":{"model":"x","usage":{"input_tokens":9}}}],"stop_reason":"end_turn",
             "usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"output_tokens":20}}
            """#
        let bytes = Array(body.utf8)
        for cut in 0...bytes.count {
            let reader = read([Array(bytes[..<cut]), Array(bytes[cut...])], isEventStream: false)
            #expect(reader.usage == TokenUsage(input: 10, cacheRead: 5, output: 20))
            #expect(reader.charge(assumingInput: .zero).estimated == nil)
            #expect(reader.firstTool == "search")
            #expect(reader.model == "claude-opus-4-1-20250805")
            #expect(reader.isComplete)
        }
    }

    @Test func `a cut stream charges what was stated or what was seen, the greater`() {
        let text = "x".padding(400)
        let deltas = (0..<10).map { _ in
            #"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\#(text)"}}"# + "\n\n"
        }
        let start =
            #"data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":100,"output_tokens":1}}}"#
            + "\n\n"
        for seen in 0...10 {
            let reader = read(start + deltas[..<seen].joined())
            let charge = reader.charge(assumingInput: TokenUsage(input: 7))
            #expect(charge.usage == TokenUsage(input: 100, output: max(1, seen * 100)))
            #expect(charge.estimated != nil)
            #expect(!reader.isComplete)
        }
    }

    @Test func `nothing stated means the assumed input and the text seen`() {
        let charge = read(
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"thinking\":\"12345\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
        )
        .charge(assumingInput: TokenUsage(input: 7))
        #expect(charge.usage == TokenUsage(input: 7, output: 2))
        #expect(charge.estimated == "the provider stated no usage")
    }

    private static func delta(_ usage: String) -> String {
        "data: {\"type\":\"message_delta\",\"delta\":{\"text\":\"longer than nothing\"},\"usage\":\(usage)}\n\n"
    }

    @Test(arguments: [
        // zeros are zeros
        ([#"{"input_tokens":0,"output_tokens":0}"#], TokenUsage.zero, false),
        // twice, the later absent, or smaller: the greatest stays
        (
            [#"{"input_tokens":5,"output_tokens":10}"#, #"{"output_tokens":12}"#], TokenUsage(input: 5, output: 12),
            false
        ),
        (
            [#"{"input_tokens":5,"output_tokens":10}"#, #"{"output_tokens":3}"#], TokenUsage(input: 5, output: 10),
            false
        ),
        ([#"{"input_tokens":5,"output_tokens":10}"#, #"{}"#], TokenUsage(input: 5, output: 10), false),
        // no split of the cache write: all of it for 5 minutes; a partial split: the rest
        (
            [#"{"input_tokens":1,"cache_creation_input_tokens":9,"output_tokens":1}"#],
            TokenUsage(input: 1, cacheWrite5m: 9, output: 1), false
        ),
        (
            [
                #"{"input_tokens":1,"cache_creation_input_tokens":9,"cache_creation":{"ephemeral_1h_input_tokens":4},"output_tokens":1}"#
            ],
            TokenUsage(input: 1, cacheWrite5m: 5, cacheWrite1h: 4, output: 1), false
        ),
        (
            [#"{"input_tokens":1,"cache_creation":null,"cache_read_input_tokens":null,"output_tokens":1}"#],
            TokenUsage(input: 1, output: 1), false
        ),
        // bad values are not taken: input is assumed (7), output is what was seen (19 bytes)
        ([#"{"input_tokens":-5,"output_tokens":10}"#], TokenUsage(input: 7, output: 10), true),
        ([#"{"input_tokens":5,"output_tokens":-10}"#], TokenUsage(input: 5, output: 5), true),
        ([#"{"input_tokens":5,"output_tokens":9007199254740992}"#], TokenUsage(input: 5, output: 5), true),
        ([#"{"input_tokens":5,"output_tokens":1e400}"#], TokenUsage(input: 5, output: 5), true),
        ([#"{"input_tokens":5,"output_tokens":1.5}"#], TokenUsage(input: 5, output: 5), true),
        ([#"{"input_tokens":5,"output_tokens":"9"}"#], TokenUsage(input: 5, output: 5), true),
        ([#"{"output_tokens":10}"#], TokenUsage(input: 7, output: 10), true),
        (["null"], TokenUsage(input: 7, output: 5), true), (["[]"], TokenUsage(input: 7, output: 5), true),
    ])
    func `usage is the greatest that was stated, and only counts count`(
        usages: [String], wanted: TokenUsage, estimated: Bool
    ) {
        let text = usages.map(Self.delta).joined() + "data: {\"type\":\"message_stop\"}\n\n"
        let charge = read(text).charge(assumingInput: TokenUsage(input: 7))
        // The text of a second delta is seen too.
        #expect(charge.usage == wanted)
        #expect((charge.estimated != nil) == estimated)
    }

    @Test func `an error inside the stream is reported`() {
        let reader = read(
            "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}}\n\n"
        )
        #expect(reader.providerError == "overloaded_error: Overloaded")
        #expect(!reader.isComplete)
    }

    @Test func `a broken event or a giant one is passed over`() {
        let giant = "data: {\"x\":\"" + "x".padding(SSEParser.limit + 5) + "\"}\n\n"
        let reader = read("data: {not json\n\ndata: [1]\n\n" + giant + Self.stream)
        #expect(reader.usage == Self.usage)
        #expect(reader.isComplete)
    }

    @Test func `a plain answer that is not JSON or too long is estimated`() {
        let reader = read("<html>busy</html>", isEventStream: false)
        let charge = reader.charge(assumingInput: TokenUsage(input: 3))
        #expect(charge.usage == TokenUsage(input: 3, output: 5))
        #expect(charge.estimated?.contains("not JSON") == true)
        var long = UsageReader(endpoint: .messages, isEventStream: false)
        let piece = [UInt8](repeating: 0x20, count: 1 << 20)
        for _ in 0..<40 { long.read(piece) }
        long.finish()
        #expect(long.isComplete)
        #expect(long.charge(assumingInput: .zero).estimated?.contains("longer") == true)
        #expect(long.charge(assumingInput: .zero).usage.output == 10 << 20)
    }

    @Test func `garbage never traps`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let original = Array(Self.stream.utf8)
        for _ in 0..<400 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = read([bytes])
            let split = read(bytes.pieces(using: &random))
            #expect(whole.usage == split.usage, "seed \(seed)")
            #expect(whole.observedOutput == split.observedOutput, "seed \(seed)")
            _ = read([bytes], isEventStream: false)
        }
    }
}

extension String {
    func padding(_ count: Int) -> String { String(repeating: self, count: count) }

    @Test func `thinking is the part of the output that the provider says it was`() {
        let body =
            #"{"type":"message","model":"m","content":[],"usage":{"input_tokens":3,"output_tokens":50,"output_tokens_details":{"thinking_tokens":30}}}"#
        var reader = UsageReader(endpoint: .messages, isEventStream: false)
        reader.read(Array(body.utf8))
        reader.finish()
        #expect(reader.usage == TokenUsage(input: 3, output: 50, reasoning: 30))
    }
}
