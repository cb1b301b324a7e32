import WeirCore
import WeirProviders
import WeirRedis

/// What the bodies of the decision API say. Read strictly.
enum DecisionBounds {
    /// Of one kind in one call: a thousand times the largest context window.
    static let tokens = 0...1_000_000_000
    /// A million dollars. Nine million such calls still fit into a sum.
    static let micros = 0...1_000_000_000_000
    static let leaseSeconds = 1...3_600
    static let standardLeaseSeconds = 60
    static let latencyMs = 0...86_400_000
    static let bodyBytes = 64 * 1024
    /// An id's birth may be this far from Redis's time: endings are remembered by it.
    static let birthMs = 60_000
}

/// Usage or cost, before a call (`estimate`) or after it (`usage`, `cost_micros`).
struct StatedTokens: Equatable {
    var tokens = TokenUsage()
    /// Whether `output_tokens` was among them.
    var hasOutput = false

    private enum Field: String, CaseIterable {
        case input = "input_tokens", cacheRead = "cache_read_tokens", cacheWrite5m = "cache_write_5m_tokens"
        case cacheWrite1h = "cache_write_1h_tokens", output = "output_tokens", reasoning = "reasoning_tokens"
    }

    init(_ scanner: inout JSONScanner) throws(JSONError) {
        var tokens = TokenUsage()
        var hasOutput = false
        try scanner.strictObject(Field.self) { (field, scanner) throws(JSONError) in
            switch field {
            case .input: tokens.input = try scanner.int("input_tokens", in: DecisionBounds.tokens)
            case .cacheRead: tokens.cacheRead = try scanner.int("cache_read_tokens", in: DecisionBounds.tokens)
            case .cacheWrite5m:
                tokens.cacheWrite5m = try scanner.int("cache_write_5m_tokens", in: DecisionBounds.tokens)
            case .cacheWrite1h:
                tokens.cacheWrite1h = try scanner.int("cache_write_1h_tokens", in: DecisionBounds.tokens)
            case .output:
                tokens.output = try scanner.int("output_tokens", in: DecisionBounds.tokens)
                hasOutput = true
            case .reasoning: tokens.reasoning = try scanner.int("reasoning_tokens", in: DecisionBounds.tokens)
            }
        }
        guard tokens.reasoning <= tokens.output else {
            throw .bad("reasoning_tokens", "are part of output_tokens, so they cannot be more")
        }
        (self.tokens, self.hasOutput) = (tokens, hasOutput)
    }
}

/// `reserve` and `check`.
struct ReserveRequest: Equatable {
    var id: String?
    var product: String?
    var provider: Dialect?
    var model: String?
    /// Tokens that Weir prices.
    var tokens: StatedTokens?
    /// What the call may cost by the caller's own word, and how many tokens that are.
    var costMicros: Int?
    var totalTokens: Int?
    var leaseSeconds = DecisionBounds.standardLeaseSeconds

    private enum Field: String, CaseIterable {
        case id, product, provider, model, tokens, costMicros = "cost_micros", totalTokens = "total_tokens"
        case leaseSeconds = "lease_seconds"
    }

    init(_ scanner: inout JSONScanner) throws(JSONError) {
        var request = Self.empty
        try scanner.strictObject(Field.self) { (field, scanner) throws(JSONError) in
            switch field {
            case .id: request.id = try scanner.reservationID()
            case .product: request.product = try scanner.identifier("product")
            case .provider:
                guard let dialect = Dialect(rawValue: try scanner.string()) else {
                    let known = Dialect.allCases.map(\.rawValue).joined(separator: ", ")
                    throw .bad("provider", "must be one of \(known)")
                }
                request.provider = dialect
            case .model:
                let model = try scanner.string()
                guard (1...200).contains(model.utf8.count), model.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
                else { throw .bad("model", "must be 1 to 200 visible ASCII characters") }
                request.model = model
            case .tokens: request.tokens = try StatedTokens(&scanner)
            case .costMicros: request.costMicros = try scanner.int("cost_micros", in: DecisionBounds.micros)
            case .totalTokens: request.totalTokens = try scanner.int("total_tokens", in: DecisionBounds.tokens)
            case .leaseSeconds:
                request.leaseSeconds = try scanner.int("lease_seconds", in: DecisionBounds.leaseSeconds)
            }
        }
        if request.tokens != nil, request.model == nil {
            throw .bad("tokens", "are priced by their model: state \"model\", or \"cost_micros\" and \"total_tokens\"")
        }
        if request.tokens != nil, request.costMicros != nil || request.totalTokens != nil {
            throw .bad("cost_micros", "is Weir's to find where \"tokens\" are stated: leave one of them out")
        }
        self = request
    }

    private static let empty = ReserveRequest()
    private init() {}
}

/// `settle`, `renew` and `release`: what of a reservation.
struct EndRequest: Equatable {
    var id = ""
    var tokens: StatedTokens?
    var costMicros: Int?
    var outcome = UsageEvent.Outcome.completed
    var toolUsed: String?
    var status: Int?
    var latencyMs: Int?
    var leaseSeconds = DecisionBounds.standardLeaseSeconds

    private enum Field: String, CaseIterable {
        case id, tokens, costMicros = "cost_micros", outcome, toolUsed = "tool_used", status, latencyMs = "latency_ms"
        case leaseSeconds = "lease_seconds"
    }

    /// How a call may end that somebody else made.
    static let outcomes: [UsageEvent.Outcome] = [
        .completed, .clientGone, .providerError, .providerCut, .providerTimeout,
    ]

    enum Step: String { case settle, renew, release }

    init(_ scanner: inout JSONScanner, of step: Step) throws(JSONError) {
        var request = EndRequest()
        try scanner.strictObject(Field.self) { (field, scanner) throws(JSONError) in
            switch field {
            case .id: request.id = try scanner.reservationID()
            case .tokens where step != .release: request.tokens = try StatedTokens(&scanner)
            case .costMicros where step != .release:
                request.costMicros = try scanner.int("cost_micros", in: DecisionBounds.micros)
            case .outcome where step == .settle:
                guard let outcome = UsageEvent.Outcome(rawValue: try scanner.string()), Self.outcomes.contains(outcome)
                else {
                    let known = Self.outcomes.map(\.rawValue).joined(separator: ", ")
                    throw .bad("outcome", "must be one of \(known)")
                }
                request.outcome = outcome
            case .toolUsed where step == .settle: request.toolUsed = try scanner.identifier("tool_used")
            case .status where step == .settle: request.status = try scanner.int("status", in: 0...999)
            case .latencyMs where step == .settle:
                request.latencyMs = try scanner.int("latency_ms", in: DecisionBounds.latencyMs)
            case .leaseSeconds where step == .renew:
                request.leaseSeconds = try scanner.int("lease_seconds", in: DecisionBounds.leaseSeconds)
            case .tokens, .costMicros, .outcome, .toolUsed, .status, .latencyMs, .leaseSeconds:
                throw .bad(field.rawValue, "is no field of \(step.rawValue)")
            }
        }
        guard !request.id.isEmpty else { throw JSONError(.missingKey("id"), at: 0) }
        if step == .settle, request.tokens == nil, request.costMicros == nil {
            throw .bad("tokens", "or \"cost_micros\" must say what was used; what was not made is released")
        }
        self = request
    }

    private init() {}
}

extension JSONScanner {
    fileprivate mutating func reservationID() throws(JSONError) -> String {
        let text = try string()
        guard let id = ReservationID(text), id != .none else {
            throw JSONError(.badValue(name: "id", why: "must be a ULID: 26 of 0-9 A-Z without I, L, O, U"), at: offset)
        }
        return text
    }
}
