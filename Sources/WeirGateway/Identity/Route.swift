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
        var rest = path
        if !rest.hasPrefix("/v1/") {
            guard let slash = rest.dropFirst().firstIndex(of: "/") else { return nil }
            let product = String(rest[..<slash].dropFirst())
            guard Subject.isValidID(product) else { return nil }
            self.product = product
            rest = rest[slash...]
        }
        guard let endpoint = Endpoint(method: head.method.rawValue, path: rest) else { return nil }
        self.endpoint = endpoint
        provider = endpoint.dialect(hasAnthropicVersion: head.headers.contains(name: "anthropic-version"))
        self.target = String(rest + target[path.endIndex...])
    }

    /// The form of an answer to a request that has no route.
    static func dialect(ofPath target: String, headers: HTTPHeaders) -> Dialect {
        let path = target.prefix { $0 != "?" }
        if path.hasSuffix("/messages") || path.hasSuffix("/count_tokens") { return .anthropic }
        return headers.contains(name: "anthropic-version") ? .anthropic : .openAI
    }
}
