import Testing
import WeirCore
import WeirProviders

@Suite struct RepeatedEventTests {
    /// What a reader says of these pieces, in one text.
    private static func said(_ pieces: [[UInt8]], _ endpoint: Endpoint) -> String {
        var reader = UsageReader(endpoint: endpoint, isEventStream: true)
        for piece in pieces { reader.read(piece) }
        reader.finish()
        let charge = reader.charge(assumingInput: TokenUsage(input: 7))
        return """
            \(charge.usage) \(charge.estimated ?? "-") \(reader.observedOutput) \(reader.usage as TokenUsage?, default: "-") \
            \(reader.model ?? "-") \(reader.firstTool ?? "-") \(reader.isComplete) \(reader.providerError ?? "-")
            """
    }

    /// Events as the three dialects send them; `@` stands for a text.
    private static let events: [(endpoint: Endpoint, texts: [String])] = [
        (
            .messages,
            [
                #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@"}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"@"}}"#,
                #"{"type":"content_block_delta","delta":{"text":"@","thinking":"@"}}"#,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"@"}}"#,
                #"{"type":"content_block_start","content_block":{"type":"web_search_tool_result","text":"@"}}"#,
                #"{"type":"message_delta","delta":{"text":"@"},"usage":{"output_tokens":5}}"#,
                #"{"type":"error","error":{"type":"x","message":"@"}}"#, #"{"type":"message_stop"}"#,
                #"{"delta":{"text":"@"},"delta":{}}"#, #"{"delta":{"text":"@""#,
            ]
        ),
        (
            .chatCompletions,
            [
                #"{"model":"gpt-x","choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}],"usage":null}"#,
                #"{"model":"gpt-x","choices":[{"index":0,"delta":{"content":"a"}}],"obfuscation":"@"}"#,
                #"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"@"}}]}}]}"#,
                #"{"choices":[{"delta":{"content":"@"}}],"usage":{"prompt_tokens":9,"completion_tokens":4}}"#,
                #"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8}}"#, "[DONE]",
            ]
        ),
        (
            .responses,
            [
                #"{"type":"response.output_text.delta","delta":"@"}"#,
                #"{"type":"response.output_item.done","item":{"type":"message","content":[{"text":"@"}]}}"#,
                #"{"type":"response.completed","response":{"usage":{"input_tokens":5,"output_tokens":6}},"delta":"@"}"#,
            ]
        ),
        (
            .generateContent,
            [
                #"{"candidates":[{"content":{"parts":[{"text":"@"}]}}],"usageMetadata":{"promptTokenCount":3}}"#,
                #"{"candidates":[{"content":{"parts":[{"text":"@"}]},"finishReason":"STOP"}]}"#,
                #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":"@"}}}]}}]}"#,
            ]
        ),
    ]

    /// Byte by byte no event is there as a whole, so each is read in full.
    @Test func `an event that is like the last is read as any other`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<1_000 {
            let (endpoint, texts) = Self.events.randomElement(using: &random) ?? Self.events[0]
            var stream: [[UInt8]] = []
            while stream.count < 12 {
                let text = texts.randomElement(using: &random) ?? ""
                for _ in 0...Int.random(in: 0...4, using: &random) {
                    stream.append(Array(Self.event(text, using: &random).utf8))
                }
            }
            let wanted = Self.said(stream.joined().map { [$0] }, endpoint)
            #expect(Self.said(stream, endpoint) == wanted, "seed \(seed)")
            #expect(Self.said([Array(stream.joined())], endpoint) == wanted, "seed \(seed)")
        }
    }

    private static func event(_ text: String, using random: inout Seeded) -> String {
        let pieces = ["", "a", "Hello ", #"\n"#, #"\u00e9"#, "é", #"\""#, "}}", "@", "0123456789abcdef"]
        let bad = ["\"", "\\", "\n", "\r", "\n\n", "\u{1}"]
        let data = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        var event = ""
        for (index, part) in data.enumerated() {
            if index > 0 {
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    event +=
                        (Int.random(in: 0..<60, using: &random) == 0 ? bad : pieces).randomElement(using: &random) ?? ""
                }
            }
            event += part
        }
        switch Int.random(in: 0..<40, using: &random) {
        case 0: return "data:\(event)\n\n"
        case 1: return "data: \(event)\r\n\r\n"
        case 2: return "data: \(event)\n: \(event)\n\n"
        case 3: return ": \(event)\n\n"
        case 4: return "data: {}\nx: \(event)\n\n"
        default: return "event: e\ndata: \(event)\n\n"
        }
    }

    @Test func `an event like the last that is longer than is kept is not taken for it`() {
        let limit = SSEParser.limit
        for count in [limit - 60, limit] {
            let stream = ["abc", "def", String(repeating: "x", count: count), "g"].map {
                Array("data: {\"type\":\"response.output_text.delta\",\"delta\":\"\($0)\"}\n\n".utf8)
            }
            let halves = stream.flatMap { [Array($0[..<3]), Array($0[3...])] }
            #expect(Self.said(stream, .responses) == Self.said(halves, .responses))
        }
    }
}
