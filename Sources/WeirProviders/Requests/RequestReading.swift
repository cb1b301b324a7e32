import WeirCore

/// Reads a body's top level; ``ContentReading`` reads what can hold images, documents, tools and cache marks.
struct RequestReading {
    private enum Field: String, CaseIterable, Sendable {
        case model, stream, n, messages, system, tools, input, prediction, background, conversation, prompt, container
        case thinking
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case maxOutputTokens = "max_output_tokens"
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
    private static let mostChoices = 128

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
        case .stream: facts.isStreaming = try flag("stream", from: &scanner) ?? false
        case .n:
            facts.choices = try count("n", in: 1...Self.mostChoices, from: &scanner) ?? 1
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
            guard try flag("background", from: &scanner) != true else {
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
        guard try scanner.kind() == .string else { throw wrongType("model", "a string", scanner) }
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
        let bound = try count(name, in: 0...Int.largestExact, from: &scanner)
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

    /// An option that buys another price than the table's, unless it has one of its ordinary values.
    private mutating func readOption(_ name: String, from scanner: inout JSONScanner) throws(JSONError) {
        if try scanner.takeNull() { return }
        guard try scanner.kind() == .string else { throw wrongType(name, "a string", scanner) }
        if try scanner.knownString(in: Self.standardOptions) == nil { facts.unpricedOption = name }
    }

    /// Anthropic's `max_tokens` must be above the budget for thinking.
    private mutating func readThinking(from scanner: inout JSONScanner) throws(JSONError) {
        guard facts.endpoint == .messages, try scanner.kind() == .object else {
            try scanner.skip()
            return
        }
        var members = try scanner.beginObject()
        while try scanner.next(&members, in: Self.thinkingFields) != nil {
            facts.thinkingTokens = try count("thinking.budget_tokens", in: 0...Int.largestExact, from: &scanner) ?? 0
        }
    }

    private mutating func readStreamOptions(from scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.kind() {
        case .null: facts.streamOptions = .null(try scanner.skip())
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
                facts.includesUsage = try flag("stream_options.include_usage", from: &scanner) ?? false
                options = .includeUsage(start..<scanner.offset)
            }
            facts.streamOptions = options ?? .object(firstMember: firstMember, isEmpty: isEmpty)
        default: throw wrongType("stream_options", "an object", scanner)
        }
    }

    /// True, false, or nil for `null`.
    private func flag(_ name: String, from scanner: inout JSONScanner) throws(JSONError) -> Bool? {
        switch try scanner.kind() {
        case .bool: return try scanner.bool()
        case .null:
            try scanner.skip()
            return nil
        default: throw wrongType(name, "true or false", scanner)
        }
    }

    /// An integer, or nil for `null`.
    private func count(_ name: String, in range: ClosedRange<Int>, from scanner: inout JSONScanner) throws(JSONError)
        -> Int?
    {
        let kind = try scanner.kind()
        let start = scanner.offset
        if kind == .null {
            try scanner.skip()
            return nil
        }
        guard kind == .number else { throw wrongType(name, "an integer", scanner) }
        let value: Int
        do throws(JSONError) {
            value = try scanner.int()
        } catch {
            throw JSONError(
                .badValue(name: name, why: "must be an integer from 0 to 2^53 - 1, written plainly"), at: start)
        }
        guard range.contains(value) else {
            throw JSONError(.outOfRange(name: name, from: range.lowerBound, through: range.upperBound), at: start)
        }
        return value
    }

    private func wrongType(_ name: String, _ wanted: String, _ scanner: JSONScanner) -> JSONError {
        JSONError(.badValue(name: name, why: "must be \(wanted)"), at: scanner.offset)
    }
}
