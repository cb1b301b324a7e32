import WeirCore

/// The answers of chat completions, responses and embeddings: plain, or as streams of events.
extension Observation {
    private enum Field: String, CaseIterable, Sendable {
        case type, model, choices, usage, error, response, item, delta, output
    }

    private enum Kind: String, CaseIterable, Sendable {
        case completed = "response.completed"
        case incomplete = "response.incomplete"
        case failed = "response.failed"
        case error
    }

    private enum ChoiceField: String, CaseIterable, Sendable { case delta, message, text }

    private enum MessageField: String, CaseIterable, Sendable {
        case content, refusal, reasoning
        case reasoningContent = "reasoning_content"
        case toolCalls = "tool_calls"
        case functionCall = "function_call"
    }

    private enum CallField: String, CaseIterable, Sendable { case name, arguments, function, custom, input }

    private enum ItemField: String, CaseIterable, Sendable { case type, name, arguments, content, text, input }

    private enum ItemKind: String, CaseIterable, Sendable {
        case functionCall = "function_call"
        case customCall = "custom_tool_call"
        case mcpCall = "mcp_call"
        case webSearch = "web_search_call"
        case fileSearch = "file_search_call"
        case codeInterpreter = "code_interpreter_call"
        case computer = "computer_call"
        case shell = "shell_call"
        case localShell = "local_shell_call"
        case applyPatch = "apply_patch_call"
        case imageGeneration = "image_generation_call"
    }

    private enum UsageField: String, CaseIterable, Sendable {
        case prompt = "prompt_tokens"
        case completion = "completion_tokens"
        case promptDetails = "prompt_tokens_details"
        case completionDetails = "completion_tokens_details"
        case input = "input_tokens"
        case output = "output_tokens"
        case inputDetails = "input_tokens_details"
        case outputDetails = "output_tokens_details"
    }

    private enum DetailField: String, CaseIterable, Sendable {
        case cached = "cached_tokens"
        case written = "cache_write_tokens"
        case reasoning = "reasoning_tokens"
    }

    private static let fields = JSONFields(Field.self)
    private static let kinds = JSONFields(Kind.self)
    private static let choiceFields = JSONFields(ChoiceField.self)
    private static let messageFields = JSONFields(MessageField.self)
    private static let callFields = JSONFields(CallField.self)
    private static let itemFields = JSONFields(ItemField.self)
    private static let itemKinds = JSONFields(ItemKind.self)
    private static let usageFields = JSONFields(UsageField.self)
    private static let detailFields = JSONFields(DetailField.self)

    mutating func readOpenAIBody(_ scanner: inout JSONScanner, _ endpoint: Endpoint) throws(JSONError) {
        try readAnswer(&scanner, countsOutput: true, isBody: true)
        // Embeddings have no output to state.
        if endpoint == .embeddings { isUsageFinal = stated.input != nil }
    }

    mutating func readOpenAIEvent(_ scanner: inout JSONScanner) throws(JSONError) {
        try readAnswer(&scanner, countsOutput: true)
    }

    /// A body, an event, or the response inside an event. A response inside an event repeats output that has been
    /// counted as it was streamed.
    private mutating func readAnswer(_ scanner: inout JSONScanner, countsOutput: Bool, isBody: Bool = false)
        throws(JSONError)
    {
        let before = outputBytes
        var kind: Kind?
        var hasChoices = false
        var statesOutput = false
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.fields) {
            switch field {
            case .type where try scanner.kind() == .string: kind = try scanner.knownString(in: Self.kinds)
            case .model: note(model: try Self.text(&scanner) ?? "")
            case .choices where try scanner.kind() == .array: hasChoices = try readEach(&scanner, as: .choice) > 0
            case .usage where try scanner.kind() == .object: statesOutput = try readUsage(&scanner).output != nil
            case .error: try readError(&scanner)
            case .response where try scanner.kind() == .object && countsOutput:
                try readAnswer(&scanner, countsOutput: false)
            case .item where try scanner.kind() == .object:
                let before = outputBytes
                try readItem(&scanner)
                outputBytes = before
            case .delta: try countOutput(&scanner)
            case .output where try scanner.kind() == .array: _ = try readEach(&scanner, as: .item)
            default: try scanner.skip()
            }
        }
        switch kind {
        case .completed, .incomplete, .failed: isComplete = true
        case .error where providerError == nil: note(error: "error")
        case .error, nil: break
        }
        if !countsOutput { outputBytes = before }
        // Usage beside text may be a running count; the last word comes in a chunk without choices.
        if statesOutput, isBody || !hasChoices { isUsageFinal = true }
    }

    /// What an array's elements are.
    private enum Part { case choice, item, call }

    private mutating func readEach(
        _ scanner: inout JSONScanner, as part: Part
    ) throws(JSONError) -> Int {
        var count = 0
        var elements = try scanner.beginArray()
        while try scanner.next(&elements) {
            count += 1
            guard try scanner.kind() == .object else {
                try scanner.skip()
                continue
            }
            switch part {
            case .choice: try readChoice(&scanner)
            case .item: try readItem(&scanner)
            case .call: try readCall(&scanner)
            }
        }
        return count
    }

    private mutating func readChoice(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.choiceFields) {
            switch field {
            case .delta, .message:
                if try scanner.kind() == .object { try readMessage(&scanner) } else { try scanner.skip() }
            case .text: try countOutput(&scanner)
            }
        }
    }

    private mutating func readMessage(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.messageFields) {
            switch field {
            case .content, .refusal, .reasoning, .reasoningContent: try countOutput(&scanner)
            case .toolCalls where try scanner.kind() == .array: _ = try readEach(&scanner, as: .call)
            case .functionCall where try scanner.kind() == .object: try readCall(&scanner)
            case .toolCalls, .functionCall: try scanner.skip()
            }
        }
    }

    private mutating func readCall(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.callFields) {
            switch field {
            case .name: note(tool: try Self.text(&scanner) ?? "")
            case .arguments, .input: try countOutput(&scanner)
            case .function, .custom:
                if try scanner.kind() == .object { try readCall(&scanner) } else { try scanner.skip() }
            }
        }
    }

    /// An output item of the Responses API, or a part of one.
    private mutating func readItem(_ scanner: inout JSONScanner) throws(JSONError) {
        var kind: ItemKind?
        var name: String?
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.itemFields) {
            switch field {
            case .type where try scanner.kind() == .string: kind = try scanner.knownString(in: Self.itemKinds)
            case .name: name = try Self.text(&scanner)
            case .arguments, .text, .input: try countOutput(&scanner)
            case .content where try scanner.kind() == .array: _ = try readEach(&scanner, as: .item)
            case .type, .content: try scanner.skip()
            }
        }
        if let kind { note(tool: name ?? kind.rawValue) }
    }

    private mutating func readUsage(_ scanner: inout JSONScanner) throws(JSONError) -> StatedUsage {
        var usage = StatedUsage()
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.usageFields) {
            switch field {
            case .prompt, .input: usage.input = try usage.count(&scanner) ?? usage.input
            case .completion, .output: usage.output = try usage.count(&scanner) ?? usage.output
            case .promptDetails, .inputDetails, .completionDetails, .outputDetails:
                guard try scanner.kind() == .object else {
                    try scanner.skip()
                    continue
                }
                var details = try scanner.beginObject()
                while let detail = try scanner.next(&details, in: Self.detailFields) {
                    let count = try usage.count(&scanner)
                    switch detail {
                    case .cached: usage.cacheRead = count
                    case .written: usage.cacheWrite = count
                    case .reasoning: usage.reasoning = count
                    }
                }
            }
        }
        stated.merge(usage)
        return usage
    }
}
