/// A call that the gateway forwards. Every other path is refused: what is not metered is not forwarded.
/// The raw value is the endpoint's name in the ledger.
package enum Endpoint: String, Sendable, CaseIterable {
    case messages
    case countTokens = "messages.count_tokens"
    case chatCompletions = "chat.completions"
    case responses
    case embeddings
    case models

    /// The endpoint of exactly this method and path; the path is without a product's prefix, query and fragment.
    package init?(method: String, path: some StringProtocol) {
        guard let endpoint = Self.allCases.first(where: { $0.path == path }), endpoint.method == method else {
            return nil
        }
        self = endpoint
    }

    /// The provider's path.
    package var path: String {
        switch self {
        case .messages: "/v1/messages"
        case .countTokens: "/v1/messages/count_tokens"
        case .chatCompletions: "/v1/chat/completions"
        case .responses: "/v1/responses"
        case .embeddings: "/v1/embeddings"
        case .models: "/v1/models"
        }
    }

    package var method: String { self == .models ? "GET" : "POST" }

    /// Whether a call costs money or tokens. Counting tokens and listing models is free.
    package var spends: Bool {
        switch self {
        case .messages, .chatCompletions, .responses, .embeddings: true
        case .countTokens, .models: false
        }
    }

    /// - Parameter hasAnthropicVersion: the request carries the header `anthropic-version`, which Anthropic's SDKs
    ///   always send. It decides for `GET /v1/models`, a path that both providers have.
    package func dialect(hasAnthropicVersion: Bool) -> Dialect {
        switch self {
        case .messages, .countTokens: .anthropic
        case .chatCompletions, .responses, .embeddings: .openAI
        case .models: hasAnthropicVersion ? .anthropic : .openAI
        }
    }
}
