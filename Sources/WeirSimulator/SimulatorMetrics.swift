import CoreMetrics
import WeirTelemetry

/// What the simulator counts. Labels are of fixed lists, never what a client sent: a path that is not served is `unknown`.
final class SimulatorMetrics: Sendable {
    let registry: MetricsRegistry
    private let calls: [Place: [SimulatedCall.Outcome: CoreMetrics.Counter]]
    private let tokens: [Endpoint.Dialect: [CoreMetrics.Counter]]
    private let streams: Meter

    /// Where a call was made.
    struct Place: Sendable, Hashable {
        var endpoint: Endpoint
        var dialect: Endpoint.Dialect
    }

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        var calls: [Place: [SimulatedCall.Outcome: CoreMetrics.Counter]] = [:]
        for endpoint in Endpoint.allCases {
            // Where the path decides nothing, any of them may be meant.
            for dialect in Endpoint.Dialect.allCases where endpoint.dialect ?? dialect == dialect {
                for outcome in SimulatedCall.Outcome.allCases where outcome != .open {
                    calls[Place(endpoint: endpoint, dialect: dialect), default: [:]][outcome] = registry.counter(
                        MetricCatalogue.simulatedCalls, [endpoint.label, dialect.label, outcome.rawValue])
                }
            }
        }
        self.calls = calls
        tokens = Dictionary(
            uniqueKeysWithValues: Endpoint.Dialect.allCases.map { dialect in
                (
                    dialect,
                    Self.kinds.map { registry.counter(MetricCatalogue.simulatedTokens, [dialect.label, $0.name]) }
                )
            })
        streams = registry.meter(MetricCatalogue.simulatedStreams)
    }

    private static let kinds: [(name: String, count: @Sendable (SimulatedUsage) -> Int)] = [
        ("input", { $0.freshInput }), ("cache_read", { $0.cacheRead }), ("cache_write_5m", { $0.cacheWrite5m }),
        ("cache_write_1h", { $0.cacheWrite1h }), ("output", { $0.output }),
    ]

    func ended(_ place: Place, _ outcome: SimulatedCall.Outcome, _ usage: SimulatedUsage) {
        calls[place]?[outcome]?.increment()
        for (counter, kind) in zip(tokens[place.dialect] ?? [], Self.kinds) {
            let count = kind.count(usage)
            if count > 0 { counter.increment(by: count) }
        }
    }

    func streamBegan() { streams.increment() }
    func streamEnded() { streams.decrement() }
}

extension Endpoint {
    /// As the gateway and the ledger call it.
    fileprivate var label: String {
        switch self {
        case .messages: "messages"
        case .countTokens: "messages.count_tokens"
        case .chatCompletions: "chat.completions"
        case .responses: "responses"
        case .embeddings: "embeddings"
        case .generateContent: "generate_content"
        case .countContentTokens: "generate_content.count_tokens"
        case .models: "models"
        case .unknown: "unknown"
        }
    }
}

extension Endpoint.Dialect {
    fileprivate var label: String {
        switch self {
        case .anthropic: "anthropic"
        case .openAI: "openai"
        case .gemini: "gemini"
        }
    }
}
