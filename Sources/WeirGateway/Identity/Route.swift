import NIOHTTP1
import WeirCore
import WeirProviders

/// Where a request wants to go. What is not in this table does not exist: no path reaches a provider unmetered because
/// nobody thought of it.
struct Route: Equatable {
    /// The path's first part, as it was written; nil: none, the path begins with `/v1/` or `/v1beta/`.
    var product: String?
    var endpoint: Endpoint
    var provider: Dialect
    /// Where the path names the model.
    var modelPath: ModelPath?
    /// The query for the provider, with its question mark, without the client's key; empty: none.
    private var query: String
    private let path: String
    /// API keys in the query, which stay here.
    let queryKeys: [Substring]

    /// Path and query for the provider.
    var target: String {
        let path = modelPath?.text ?? path
        return query.isEmpty ? path : path + query
    }

    /// The target with another model, where the path names it; nil: the target stays.
    func target(servedBy model: String) -> String? {
        guard endpoint != .models, let named = modelPath?.model, named != model else { return nil }
        var route = self
        route.modelPath?.model = model
        return route.target
    }

    /// Why a target has no route.
    enum Problem: Error, Equatable {
        case unknown
        /// Known, and not forwarded: what it costs is not known when it would have to be charged.
        case notForwarded(String)
        case query(String)
    }

    init(_ head: HTTPRequestHead) throws(Problem) {
        let target = head.uri
        // By bytes: targets are ASCII, and comparing characters costs ten times as much.
        let pathEnd = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        var start = target.startIndex
        if !target.hasPrefix("/v1/"), !target.hasPrefix("/v1beta/") {
            guard let slash = target.utf8[..<pathEnd].dropFirst().firstIndex(of: UInt8(ascii: "/")) else {
                throw .unknown
            }
            let product = String(target[..<slash].dropFirst())
            guard Subject.isValidID(product) else { throw .unknown }
            self.product = product
            start = slash
        }
        let path = target[start..<pathEnd]
        if let endpoint = Endpoint(method: head.method.rawValue, path: path) {
            self.endpoint = endpoint
            provider = endpoint == .models ? Self.asker(head.headers) : endpoint.dialect()
        } else if let modelPath = ModelPath(method: head.method.rawValue, path: path) {
            self.modelPath = modelPath
            endpoint = modelPath.endpoint
            provider = modelPath.version == "v1beta" ? .gemini : endpoint.dialect(of: Self.asker(head.headers))
        } else {
            throw NotForwarded.reason(path: path).map(Problem.notForwarded) ?? .unknown
        }
        // Most targets are nothing but the path, and are not copied.
        self.path = path.utf8.count == target.utf8.count ? target : String(path)
        guard pathEnd != target.endIndex else {
            (query, queryKeys) = ("", [])
            return
        }
        let parts = try TargetQuery.read(target[pathEnd...].dropFirst(), provider, endpoint)
        (query, queryKeys) = (parts.query, parts.keys)
    }

    /// The form of an answer to a request that has no route.
    static func dialect(ofPath target: String, headers: HTTPHeaders) -> Dialect {
        if DecisionRoute.isDecision(target) { return .openAI }
        let path = target.prefix { $0 != "?" }
        if path.contains("/v1beta/") || path.hasSuffix("Content") { return .gemini }
        return path.split(separator: "/").contains("messages") ? .anthropic : asker(headers)
    }

    /// Whose client asks: Anthropic's SDKs always send `anthropic-version`, Google's their key in a way of their own.
    private static func asker(_ headers: HTTPHeaders) -> Dialect {
        if headers.contains(name: "anthropic-version") { return .anthropic }
        return headers.contains(name: "x-goog-api-key") || headers.contains(name: "x-goog-api-client")
            ? .gemini : .openAI
    }
}
