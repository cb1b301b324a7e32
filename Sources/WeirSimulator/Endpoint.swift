/// The paths that providers serve and the simulator stands in for.
enum Endpoint: UInt8, CaseIterable, Sendable {
    case messages, countTokens, chatCompletions, responses, embeddings, generateContent, countContentTokens, models
    case unknown

    /// How the providers differ in errors and credentials.
    enum Dialect: UInt8, CaseIterable, Sendable { case anthropic, openAI, gemini }

    /// `unknown` paths are answered with 404 and logged all the same: they reached the provider.
    init(path: some StringProtocol) {
        switch path {
        case "/v1/messages": self = .messages
        case "/v1/chat/completions": self = .chatCompletions
        case "/v1/messages/count_tokens": self = .countTokens
        case "/v1/responses": self = .responses
        case "/v1/embeddings": self = .embeddings
        case "/v1/models", "/v1beta/models": self = .models
        default:
            switch GeminiPath(path)?.action {
            case "generateContent", "streamGenerateContent": self = .generateContent
            case "countTokens": self = .countContentTokens
            default: self = .unknown
            }
        }
    }

    /// The dialect that the path decides; nil where providers share it.
    var dialect: Dialect? {
        switch self {
        case .messages, .countTokens: .anthropic
        case .chatCompletions, .responses, .embeddings: .openAI
        case .generateContent, .countContentTokens: .gemini
        case .models, .unknown: nil
        }
    }

    /// Whether a `stream` of the request has a meaning here.
    var canStream: Bool {
        switch self {
        case .messages, .chatCompletions, .responses, .generateContent: true
        case .countTokens, .countContentTokens, .embeddings, .models, .unknown: false
        }
    }
}

/// `/v1beta/models/<model>:<action>`: Gemini's paths say what other providers' bodies say.
struct GeminiPath {
    let model: Substring
    let action: Substring

    init?(_ path: some StringProtocol) {
        let path = Substring(path)
        guard let prefix = ["/v1beta/models/", "/v1/models/"].first(where: { path.hasPrefix($0) }),
            let colon = path.lastIndex(of: ":")
        else { return nil }
        model = path[..<colon].dropFirst(prefix.count)
        action = path[path.index(after: colon)...]
    }
}
