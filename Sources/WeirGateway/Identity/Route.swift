import NIOHTTP1
import WeirCore
import WeirProviders

/// Where a request wants to go. What is not in this table does not exist: no path reaches a provider unmetered because
/// nobody thought of it.
struct Route: Equatable {
    /// The path's first part, as it was written; nil: none, the path begins with `/v1/`.
    var product: String?
    var endpoint: Endpoint
    var provider: Dialect
    /// Path and query for the provider.
    var target: String

    /// Nil for anything that is not an API of a provider.
    init?(_ head: HTTPRequestHead) {
        let target = head.uri
        let path = target.prefix { $0 != "?" }
        var rest = path.dropFirst()
        if !rest.hasPrefix("v1/") {
            guard let slash = rest.firstIndex(of: "/") else { return nil }
            let product = String(rest[..<slash])
            guard Subject.isValidID(product) else { return nil }
            self.product = product
            rest = rest[rest.index(after: slash)...]
        }
        switch (head.method, rest) {
        case (.POST, "v1/messages"): endpoint = .messages
        case (.POST, "v1/messages/count_tokens"): endpoint = .countTokens
        case (.POST, "v1/chat/completions"): endpoint = .chatCompletions
        case (.POST, "v1/responses"): endpoint = .responses
        case (.POST, "v1/embeddings"): endpoint = .embeddings
        case (.GET, "v1/models"): endpoint = .models
        default: return nil
        }
        provider = endpoint == .models ? Self.dialect(byHeaders: head.headers) : endpoint.dialect
        self.target = "/" + rest + target[path.endIndex...]
    }

    /// The form of an answer to a request that has no route.
    static func dialect(ofPath target: String, headers: HTTPHeaders) -> Dialect {
        let path = target.prefix { $0 != "?" }
        if path.hasSuffix("/messages") || path.hasSuffix("/count_tokens") { return .anthropic }
        return dialect(byHeaders: headers)
    }

    /// Both providers list their models at the same path; only Anthropic's clients send their API's version.
    private static func dialect(byHeaders headers: HTTPHeaders) -> Dialect {
        headers.contains(name: "anthropic-version") ? .anthropic : .openAI
    }
}
