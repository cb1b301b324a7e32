import WeirCore

/// Reads a body's top level; ``ContentReading`` reads what can hold images, documents, tools and cache marks.
struct RequestReading {
    private enum Field: String, CaseIterable, Sendable {
        case model, stream, n, messages, system, tools, input, prediction, background, conversation, prompt, container
        case thinking
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case maxOutputTokens = "max_output_tokens"
        case bestOf = "best_of"
        case streamOptions = "stream_options"
        case cacheControl = "cache_control"
        case previousResponse = "previous_response_id"
        case webSearch = "web_search_options"
        case mcpServers = "mcp_servers"
        case serviceTier = "service_tier"
        case speed
        case inferenceGeography = "inference_geo"
    }

    private enum StreamOption: String, CaseIterable, Sendable { case includeUsage = "include_usage" }
    private enum ThinkingOption: String, CaseIterable, Sendable { case budget = "budget_tokens" }

    private static let fields = JSONFields(Field.self)
    private static let streamOptionFields = JSONFields(StreamOption.self)
    private static let thinkingFields = JSONFields(ThinkingOption.self)
    /// More answers than any provider makes of one call.
    static let mostChoices = 128

    private var facts: RequestFacts

    init(endpoint: Endpoint) { facts = RequestFacts(endpoint: endpoint) }

    mutating func read(_ body: UnsafeRawBufferPointer) throws(JSONError) -> RequestFacts {
        var scanner = JSONScanner(body)
        guard try scanner.kind() == .object else {
            throw JSONError(.unexpected(wanted: "an object"), at: scanner.offset)
        }
        var members = try scanner.beginObject()
        facts.firstMember = scanner.offset
        while let field = try scanner.next(&members, in: Self.fields) { try read(field, from: &scanner) }
        try scanner.finish()
        guard !facts.model.isEmpty else { throw JSONError(.missingKey("model"), at: scanner.offset) }
        facts.bodyBytes = body.count
        return facts
    }

    private mutating func read(_ field: Field, from scanner: inout JSONScanner) throws(JSONError) {
        switch field {
        case .model: try readModel(from: &scanner)
        case .stream: facts.isStreaming = try scanner.flag("stream") ?? false
        case .n:
            facts.choices = max(facts.choices, try scanner.count("n", in: 1...Self.mostChoices) ?? 1)
        // No chat API knows it, some servers that speak one do: they make, and bill, so many answers.
        case .bestOf:
            facts.choices = max(facts.choices, try scanner.count("best_of", in: 1...Self.mostChoices) ?? 1)
        case .maxTokens: try readBound("max_tokens", of: [.messages, .chatCompletions], from: &scanner)
        case .maxCompletionTokens: try readBound("max_completion_tokens", of: [.chatCompletions], from: &scanner)
        case .maxOutputTokens: try readBound("max_output_tokens", of: [.responses], from: &scanner)
        case .streamOptions: try readStreamOptions(from: &scanner)
        case .messages, .system, .input:
            if facts.endpoint == .embeddings {
                try scanner.skip()
            } else {
                try ContentReading.read(&scanner, into: &facts)
            }
        case .tools: try ContentReading.readTools(&scanner, into: &facts)
        case .cacheControl:
            try scanner.skip()
            facts.usesCache = true
        case .thinking: try readThinking(from: &scanner)
        case .prediction: facts.predictionBytes = try scanner.skip().count
        case .background:
            guard try scanner.flag("background") != true else {
                throw JSONError(
                    .badValue(name: "background", why: "must not be true: such an answer cannot be metered"),
                    at: scanner.offset)
            }
        case .conversation, .prompt, .container, .previousResponse:
            if try !scanner.takeNull() {
                try scanner.skip()
                facts.hasRemoteInput = true
            }
        case .serviceTier: try readOption("service_tier", from: &scanner)
        case .speed: try readOption("speed", from: &scanner)
        case .inferenceGeography: try readOption("inference_geo", from: &scanner)
        case .webSearch, .mcpServers:
            if try !scanner.takeNull() {
                try scanner.skip()
                facts.usesServerTools = true
            }
        }
    }

    private mutating func readModel(from scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.kind() == .string else { throw scanner.wrongType("model", "a string") }
        let start = scanner.offset
        let model = try scanner.string()
        guard (1...256).contains(model.utf8.count), model.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw JSONError(
                .badValue(name: "model", why: "must be a name of 1 to 256 bytes without spaces"), at: start)
        }
        facts.model = model
        facts.modelRange = start..<scanner.offset
    }

    /// A bound of output counts only where the provider obeys it: elsewhere it would promise what nobody keeps.
    private mutating func readBound(_ name: String, of endpoints: [Endpoint], from scanner: inout JSONScanner)
        throws(JSONError)
    {
        _ = try scanner.kind()
        let start = scanner.offset
        let bound = try scanner.count(name, in: 0...Int.largestExact)
        guard endpoints.contains(facts.endpoint) else { return }
        facts.outputBounds.append(.init(range: start..<scanner.offset, value: bound))
        if let bound { facts.maxOutputTokens = max(facts.maxOutputTokens ?? 0, bound) }
    }

    private enum StandardOption: String, CaseIterable, Sendable {
        case auto, standard, flex, global
        case byDefault = "default"
        case standardOnly = "standard_only"
    }
    private static let standardOptions = JSONFields(StandardOption.self)

    private mutating func readOption(_ name: String, from scanner: inout JSONScanner) throws(JSONError) {
        if try !Self.isStandard(name, &scanner) { facts.unpricedOption = name }
    }

    /// Whether an option that may buy another price than the table's has one of its ordinary values.
    static func isStandard(_ name: String, _ scanner: inout JSONScanner) throws(JSONError) -> Bool {
        if try scanner.takeNull() { return true }
        guard try scanner.kind() == .string else { throw scanner.wrongType(name, "a string") }
        return try scanner.knownString(in: standardOptions) != nil
    }

    /// Anthropic's `max_tokens` must be above the budget for thinking.
    private mutating func readThinking(from scanner: inout JSONScanner) throws(JSONError) {
        guard facts.endpoint == .messages, try scanner.kind() == .object else {
            try scanner.skip()
            return
        }
        var members = try scanner.beginObject()
        while try scanner.next(&members, in: Self.thinkingFields) != nil {
            facts.thinkingTokens = try scanner.count("thinking.budget_tokens", in: 0...Int.largestExact) ?? 0
        }
    }

    private mutating func readStreamOptions(from scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.kind() {
        case .null: facts.streamOptions = .without(.null(try scanner.skip()))
        case .object:
            var members = try scanner.beginObject()
            let firstMember = scanner.offset
            var isEmpty = true
            var options: RequestFacts.StreamOptions?
            while let member = try scanner.nextMember(&members, in: Self.streamOptionFields) {
                isEmpty = false
                guard case .known = member else {
                    try scanner.skip()
                    continue
                }
                _ = try scanner.kind()
                let start = scanner.offset
                facts.includesUsage = try scanner.flag("stream_options.include_usage") ?? false
                options = .includeUsage(start..<scanner.offset)
            }
            facts.streamOptions = options ?? .without(.object(firstMember: firstMember, isEmpty: isEmpty))
        default: throw scanner.wrongType("stream_options", "an object")
        }
    }
}
