import WeirCore

/// The answers of `POST /v1/messages`: a `message`, or a stream of events that each carry a part of one.
extension Observation {
    private enum Field: String, CaseIterable, Sendable {
        case type, message, model, content, delta, usage, error
        case contentBlock = "content_block"
    }

    private enum Kind: String, CaseIterable, Sendable {
        case messageStart = "message_start"
        case messageDelta = "message_delta"
        case messageStop = "message_stop"
        case error
    }

    private enum BlockField: String, CaseIterable, Sendable { case type, name, text, thinking, input }

    private enum BlockKind: String, CaseIterable, Sendable {
        case text, thinking
        case toolUse = "tool_use"
        case serverToolUse = "server_tool_use"
        case mcpToolUse = "mcp_tool_use"
    }

    private enum DeltaField: String, CaseIterable, Sendable {
        case text, thinking
        case partialJSON = "partial_json"
    }

    private enum UsageField: String, CaseIterable, Sendable {
        case input = "input_tokens"
        case output = "output_tokens"
        case cacheRead = "cache_read_input_tokens"
        case cacheWrite = "cache_creation_input_tokens"
        case cacheCreation = "cache_creation"
        case outputDetails = "output_tokens_details"
    }

    private enum CacheField: String, CaseIterable, Sendable {
        case fiveMinutes = "ephemeral_5m_input_tokens"
        case oneHour = "ephemeral_1h_input_tokens"
    }

    private enum OutputField: String, CaseIterable, Sendable { case thinking = "thinking_tokens" }

    private static let fields = JSONFields(Field.self)
    private static let kinds = JSONFields(Kind.self)
    private static let blockFields = JSONFields(BlockField.self)
    private static let blockKinds = JSONFields(BlockKind.self)
    private static let deltaFields = JSONFields(DeltaField.self)
    private static let usageFields = JSONFields(UsageField.self)
    private static let cacheFields = JSONFields(CacheField.self)
    private static let outputFields = JSONFields(OutputField.self)

    mutating func readAnthropicBody(_ scanner: inout JSONScanner) throws(JSONError) {
        try readMessage(&scanner, isWhole: true)
    }

    mutating func readAnthropicEvent(_ scanner: inout JSONScanner) throws(JSONError) {
        var kind: Kind?
        var statesOutput = false
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.fields) {
            switch field {
            case .type:
                kind = try scanner.kind() == .string ? scanner.knownString(in: Self.kinds) : try ignored(&scanner)
            case .message where try scanner.kind() == .object: try readMessage(&scanner, isWhole: false)
            case .contentBlock where try scanner.kind() == .object: try readBlock(&scanner)
            case .delta where try scanner.kind() == .object: try readDelta(&scanner)
            case .usage where try scanner.kind() == .object:
                statesOutput = try readUsage(&scanner).output != nil
            case .error: try readError(&scanner)
            default: try scanner.skip()
            }
        }
        switch kind {
        // Its counts are cumulative: this is the last word, unless another one follows.
        case .messageDelta: isUsageFinal = isUsageFinal || statesOutput
        case .messageStop: isComplete = true
        case .messageStart, .error, nil: break
        }
    }

    /// A message: the whole answer, or the beginning of one.
    private mutating func readMessage(_ scanner: inout JSONScanner, isWhole: Bool) throws(JSONError) {
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.fields) {
            switch field {
            case .model: note(model: try Self.text(&scanner) ?? "")
            case .content where try scanner.kind() == .array:
                var elements = try scanner.beginArray()
                while try scanner.next(&elements) {
                    if try scanner.kind() == .object { try readBlock(&scanner) } else { try scanner.skip() }
                }
            case .usage where try scanner.kind() == .object:
                let usage = try readUsage(&scanner)
                if isWhole { isUsageFinal = usage.output != nil }
            case .error: try readError(&scanner)
            default: try scanner.skip()
            }
        }
    }

    private mutating func readBlock(_ scanner: inout JSONScanner) throws(JSONError) {
        var kind: BlockKind?
        var name: String?
        let before = outputBytes
        var inputBytes = 0
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.blockFields) {
            switch field {
            case .type:
                kind = try scanner.kind() == .string ? scanner.knownString(in: Self.blockKinds) : try ignored(&scanner)
            case .name: name = try Self.text(&scanner)
            case .text, .thinking: try countOutput(&scanner)
            case .input: inputBytes = try scanner.skip().count
            }
        }
        switch kind {
        case .toolUse, .serverToolUse, .mcpToolUse:
            note(tool: name ?? "")
            // An empty `{}` stands at the beginning of a streamed call; the arguments follow as deltas.
            if inputBytes > 2 { outputBytes = outputBytes.addingSaturated(inputBytes) }
        case .text, .thinking: break
        // Results of tools and the like are not the model's output.
        case nil: outputBytes = before
        }
    }

    private mutating func readDelta(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try scanner.beginObject()
        while try scanner.next(&members, in: Self.deltaFields) != nil { try countOutput(&scanner) }
    }

    private mutating func readUsage(_ scanner: inout JSONScanner) throws(JSONError) -> StatedUsage {
        var usage = StatedUsage()
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.usageFields) {
            switch field {
            case .input: usage.input = try usage.count(&scanner)
            case .output: usage.output = try usage.count(&scanner)
            case .cacheRead: usage.cacheRead = try usage.count(&scanner)
            case .cacheWrite: usage.cacheWrite = try usage.count(&scanner)
            case .cacheCreation where try scanner.kind() == .object:
                var lifetimes = try scanner.beginObject()
                while let lifetime = try scanner.next(&lifetimes, in: Self.cacheFields) {
                    switch lifetime {
                    case .fiveMinutes: usage.cacheWrite5m = try usage.count(&scanner)
                    case .oneHour: usage.cacheWrite1h = try usage.count(&scanner)
                    }
                }
            // The part of the output that was thinking; a part, not an addition.
            case .outputDetails where try scanner.kind() == .object:
                var details = try scanner.beginObject()
                while try scanner.next(&details, in: Self.outputFields) != nil {
                    usage.reasoning = try usage.count(&scanner)
                }
            case .cacheCreation, .outputDetails: try scanner.skip()
            }
        }
        stated.merge(usage)
        return usage
    }

    private func ignored<Value>(_ scanner: inout JSONScanner) throws(JSONError) -> Value? {
        try scanner.skip()
        return nil
    }
}
