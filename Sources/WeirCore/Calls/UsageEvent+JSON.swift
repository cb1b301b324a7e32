extension UsageEvent {
    /// The event as one JSON object, the form in which usage streams carry it. Nil fields and zero token counts are
    /// left out; money is integer micro-dollars.
    public func json() -> [UInt8] {
        var writer = JSONWriter(capacity: 768)
        writer.beginObject()
        writer.member("id", id)
        writer.member("called_at", calledAtMs)
        writer.member("team", team)
        writer.member("user", ifPresent: user)
        writer.member("key", ifPresent: key)
        writer.member("session", ifPresent: session)
        writer.member("request", ifPresent: request)
        writer.member("product", product)
        writer.member("billable", billable)
        writer.member("class", callClass)
        writer.member("endpoint", endpoint)
        writer.member("provider", provider)
        writer.member("role", ifPresent: role)
        writer.member("task", ifPresent: task)
        writer.member("requested_model", requestedModel)
        writer.member("model", model)
        if tokens.input != 0 { writer.member("input_tokens", tokens.input) }
        if tokens.cacheRead != 0 { writer.member("cache_read_tokens", tokens.cacheRead) }
        if tokens.cacheWrite5m != 0 { writer.member("cache_write_5m_tokens", tokens.cacheWrite5m) }
        if tokens.cacheWrite1h != 0 { writer.member("cache_write_1h_tokens", tokens.cacheWrite1h) }
        if tokens.output != 0 { writer.member("output_tokens", tokens.output) }
        if tokens.reasoning != 0 { writer.member("reasoning_tokens", tokens.reasoning) }
        writer.member("cost_micros", cost.micros)
        writer.member("price_version", priceVersion)
        writer.member("known_model", isModelKnown)
        writer.member("tool_used", ifPresent: toolUsed)
        writer.member("latency_ms", latencyMs)
        writer.member("ok", isOK)
        writer.member("status", status)
        writer.member("outcome", outcome.rawValue)
        writer.member("prompt_version", ifPresent: promptVersion)
        if !extra.isEmpty {
            writer.key("extra")
            writer.beginObject()
            for (name, value) in extra.sorted(by: { $0.key < $1.key }) {
                writer.key(text: name)
                writer.string(value)
            }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    /// Reads what ``json()`` wrote, here or on a newer node: unknown fields are passed over.
    ///
    /// - Throws: a broken text, a missing or repeated field, a count outside 0 to 2^53 - 1, an id that may not become
    ///   part of a key, an unknown outcome.
    public init(json: [UInt8]) throws(JSONError) {
        self = try json.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            try UsageEvent(json: UnsafeRawBufferPointer(buffer))
        }
    }

    /// Like ``init(json:)-([UInt8])``, from borrowed bytes.
    public init(json: UnsafeRawBufferPointer) throws(JSONError) {
        var scanner = JSONScanner(json)
        var draft = Draft()
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.fields) {
            if field.isOptional, try scanner.takeNull() { continue }
            try draft.read(field, from: &scanner)
        }
        try scanner.finish()
        self = try draft.event(endingAt: json.count)
    }

    private static let fields = JSONFields(Field.self)
    private static let counts = 0...Int.largestExact

    private enum Field: String, CaseIterable, Sendable {
        case id, calledAt = "called_at", team, user, key, session, request, product, billable, callClass = "class"
        case endpoint, provider, role, task, requestedModel = "requested_model", model, input = "input_tokens"
        case cacheRead = "cache_read_tokens", cacheWrite5m = "cache_write_5m_tokens"
        case cacheWrite1h = "cache_write_1h_tokens", output = "output_tokens", reasoning = "reasoning_tokens"
        case cost = "cost_micros", priceVersion = "price_version", isModelKnown = "known_model"
        case toolUsed = "tool_used", latency = "latency_ms", isOK = "ok", status, outcome
        case promptVersion = "prompt_version", extra

        var isOptional: Bool {
            switch self {
            case .user, .key, .session, .request, .role, .task, .toolUsed, .promptVersion, .extra: true
            default: false
            }
        }
    }

    /// The fields read so far; nil: not yet.
    private struct Draft {
        var id: String?
        var calledAtMs: Int?
        var team: String?
        var user: String?
        var key: String?
        var session: String?
        var request: String?
        var product: String?
        var billable: Bool?
        var callClass: String?
        var endpoint: String?
        var provider: String?
        var role: String?
        var task: String?
        var requestedModel: String?
        var model: String?
        var tokens = TokenUsage.zero
        var cost: Int?
        var priceVersion: String?
        var isModelKnown: Bool?
        var toolUsed: String?
        var latencyMs: Int?
        var isOK: Bool?
        var status: Int?
        var outcome: Outcome?
        var promptVersion: String?
        var extra: [String: String] = [:]

        mutating func read(_ field: Field, from scanner: inout JSONScanner) throws(JSONError) {
            switch field {
            case .id: id = try identifier("id", from: &scanner)
            case .calledAt: calledAtMs = try scanner.int("called_at", in: counts)
            case .team: team = try identifier("team", from: &scanner)
            case .user: user = try identifier("user", from: &scanner)
            case .key: key = try identifier("key", from: &scanner)
            case .session: session = try scanner.string()
            case .request: request = try scanner.string()
            case .product: product = try scanner.string()
            case .billable: billable = try scanner.bool()
            case .callClass: callClass = try scanner.string()
            case .endpoint: endpoint = try scanner.string()
            case .provider: provider = try scanner.string()
            case .role: role = try scanner.string()
            case .task: task = try scanner.string()
            case .requestedModel: requestedModel = try scanner.string()
            case .model: model = try scanner.string()
            case .input: tokens.input = try scanner.int("input_tokens", in: counts)
            case .cacheRead: tokens.cacheRead = try scanner.int("cache_read_tokens", in: counts)
            case .cacheWrite5m: tokens.cacheWrite5m = try scanner.int("cache_write_5m_tokens", in: counts)
            case .cacheWrite1h: tokens.cacheWrite1h = try scanner.int("cache_write_1h_tokens", in: counts)
            case .output: tokens.output = try scanner.int("output_tokens", in: counts)
            case .reasoning: tokens.reasoning = try scanner.int("reasoning_tokens", in: counts)
            case .cost: cost = try scanner.int("cost_micros", in: counts)
            case .priceVersion: priceVersion = try scanner.string()
            case .isModelKnown: isModelKnown = try scanner.bool()
            case .toolUsed: toolUsed = try scanner.string()
            case .latency: latencyMs = try scanner.int("latency_ms", in: counts)
            case .isOK: isOK = try scanner.bool()
            case .status: status = try scanner.int("status", in: 0...999)
            case .outcome: try readOutcome(from: &scanner)
            case .promptVersion: promptVersion = try scanner.string()
            case .extra: try readExtra(from: &scanner)
            }
        }

        private func identifier(_ name: String, from scanner: inout JSONScanner) throws(JSONError) -> String {
            let id = try scanner.string()
            guard Subject.isValidID(id) else {
                throw JSONError(
                    .badValue(name: name, why: "must be 1 to 128 of A-Z a-z 0-9 . _ @ : -"), at: scanner.offset)
            }
            return id
        }

        private mutating func readOutcome(from scanner: inout JSONScanner) throws(JSONError) {
            let text = try scanner.string()
            guard let known = Outcome(rawValue: text) else {
                throw JSONError(.badValue(name: "outcome", why: "is no outcome that is known here"), at: scanner.offset)
            }
            outcome = known
        }

        private mutating func readExtra(from scanner: inout JSONScanner) throws(JSONError) {
            var members = try scanner.beginObject()
            while let name = try scanner.nextKey(&members) {
                let value = try scanner.string()
                guard extra.updateValue(value, forKey: name) == nil else {
                    throw JSONError(.duplicateKey(name), at: scanner.offset)
                }
            }
        }

        func event(endingAt end: Int) throws(JSONError) -> UsageEvent {
            func required<Value>(_ value: Value?, _ field: Field) throws(JSONError) -> Value {
                guard let value else { throw JSONError(.missingKey(field.rawValue), at: end) }
                return value
            }
            return UsageEvent(
                id: try required(id, .id), calledAtMs: try required(calledAtMs, .calledAt),
                team: try required(team, .team), user: user, key: key, session: session, request: request,
                product: try required(product, .product), billable: try required(billable, .billable),
                callClass: try required(callClass, .callClass), endpoint: try required(endpoint, .endpoint),
                provider: try required(provider, .provider), role: role, task: task,
                requestedModel: try required(requestedModel, .requestedModel), model: try required(model, .model),
                tokens: tokens, cost: MicroUSD(micros: try required(cost, .cost)),
                priceVersion: try required(priceVersion, .priceVersion),
                isModelKnown: try required(isModelKnown, .isModelKnown), toolUsed: toolUsed,
                latencyMs: try required(latencyMs, .latency), isOK: try required(isOK, .isOK),
                status: try required(status, .status), outcome: try required(outcome, .outcome),
                promptVersion: promptVersion, extra: extra)
        }
    }
}
