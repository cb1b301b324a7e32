/// A call that the gateway forwards. Every other path is refused: what is not metered is not forwarded.
/// The raw value is the endpoint's name in the ledger.
package enum Endpoint: String, Sendable, CaseIterable {
    case messages
    case countTokens = "messages.count_tokens"
    case chatCompletions = "chat.completions"
    case responses
    case embeddings
    /// Gemini's `generateContent` and `streamGenerateContent`.
    case generateContent = "generate_content"
    case countContentTokens = "generate_content.count_tokens"
    case models

    /// The endpoint of exactly this method and path; the path is without a product's prefix, query and fragment.
    /// Paths that name a model are ``ModelPath``'s.
    package init?(method: String, path: some StringProtocol) {
        guard let endpoint = Self.allCases.first(where: { $0.path.map { path == $0 } ?? false }),
            endpoint.method == method
        else { return nil }
        self = endpoint
    }

    /// The provider's path; nil where it names a model.
    package var path: String? {
        switch self {
        case .messages: "/v1/messages"
        case .countTokens: "/v1/messages/count_tokens"
        case .chatCompletions: "/v1/chat/completions"
        case .responses: "/v1/responses"
        case .embeddings: "/v1/embeddings"
        case .models: "/v1/models"
        case .generateContent, .countContentTokens: nil
        }
    }

    package var method: String { self == .models ? "GET" : "POST" }

    /// Whether a call costs money or tokens. Counting tokens and listing models is free.
    package var spends: Bool {
        switch self {
        case .messages, .chatCompletions, .responses, .embeddings, .generateContent: true
        case .countTokens, .countContentTokens, .models: false
        }
    }

    /// - Parameter asker: what the request shows of its client; it decides for `GET /v1/models`, a path that all
    ///   providers have.
    package func dialect(of asker: Dialect = .openAI) -> Dialect {
        switch self {
        case .messages, .countTokens: .anthropic
        case .chatCompletions, .responses, .embeddings: .openAI
        case .generateContent, .countContentTokens: .gemini
        case .models: asker
        }
    }
}
