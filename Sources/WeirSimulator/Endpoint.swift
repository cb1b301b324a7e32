/// The paths that providers serve and the simulator stands in for.
enum Endpoint: UInt8, CaseIterable, Sendable {
    case messages, countTokens, chatCompletions, responses, embeddings, models, unknown

    /// How the providers differ in errors and credentials.
    enum Dialect: UInt8, Sendable { case anthropic, openAI }

    /// `unknown` paths are answered with 404 and logged all the same: they reached the provider.
    init(path: some StringProtocol) {
        switch path {
        case "/v1/messages": self = .messages
        case "/v1/chat/completions": self = .chatCompletions
        case "/v1/messages/count_tokens": self = .countTokens
        case "/v1/responses": self = .responses
        case "/v1/embeddings": self = .embeddings
        case "/v1/models": self = .models
        default: self = .unknown
        }
    }

    /// The dialect that the path decides; nil where both providers share it.
    var dialect: Dialect? {
        switch self {
        case .messages, .countTokens: .anthropic
        case .chatCompletions, .responses, .embeddings: .openAI
        case .models, .unknown: nil
        }
    }

    /// Whether a `stream` of the request has a meaning here.
    var canStream: Bool {
        switch self {
        case .messages, .chatCompletions, .responses: true
        case .countTokens, .embeddings, .models, .unknown: false
        }
    }
}
