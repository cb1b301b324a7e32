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
        // By bytes: targets are ASCII, and comparing characters costs ten times as much.
        let pathEnd = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        var start = target.startIndex
        if !target.hasPrefix("/v1/") {
            guard let slash = target.utf8[..<pathEnd].dropFirst().firstIndex(of: UInt8(ascii: "/")) else { return nil }
            let product = String(target[..<slash].dropFirst())
            guard Subject.isValidID(product) else { return nil }
            self.product = product
            start = slash
        }
        guard let endpoint = Endpoint(method: head.method.rawValue, path: target[start..<pathEnd]) else { return nil }
        self.endpoint = endpoint
        provider = endpoint.dialect(hasAnthropicVersion: head.headers.contains(name: "anthropic-version"))
        self.target = start == target.startIndex ? target : String(target[start...])
    }

    /// The form of an answer to a request that has no route.
    static func dialect(ofPath target: String, headers: HTTPHeaders) -> Dialect {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        for ending in ["/messages", "/count_tokens"] where path.suffix(ending.utf8.count).elementsEqual(ending.utf8) {
            return .anthropic
        }
        return headers.contains(name: "anthropic-version") ? .anthropic : .openAI
    }
}
