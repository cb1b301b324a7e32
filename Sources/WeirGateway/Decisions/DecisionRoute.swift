import NIOHTTP1
import WeirCore

/// What is asked of the decision API: everything under `/quota/`, which no product can be named.
enum DecisionRoute: Equatable {
    case reserve
    case check
    case settle
    case release
    case renew
    case limits(Query)
    /// `uri`: what the other proxy was asked for, where it stands in the path (as Envoy's `path_prefix` makes it).
    case authz(Query, uri: Substring?)
    case document

    /// What a query may say.
    struct Query: Equatable {
        var product: String?
        var model: String?
        /// API keys, which stand there for callers that can set no header.
        var keys: [Substring] = []
    }

    private static let base = "/quota/v1/"
    private static let authz = "authz"

    static func isDecision(_ target: String) -> Bool { target.hasPrefix("/quota/") }

    init(_ head: HTTPRequestHead) throws(Refusal) {
        let target = head.uri[...]
        guard target.hasPrefix(Self.base) else { throw Self.unknown }
        let rest = target.dropFirst(Self.base.count)
        let name = rest.prefix { $0 != "?" }
        let query = rest[name.endIndex...].dropFirst()
        // Envoy asks with the method and the query of the request that it asks about.
        if name.hasPrefix(Self.authz + "/") {
            self = .authz(Query(), uri: rest.dropFirst(Self.authz.count))
            return
        }
        switch (head.method, name) {
        case (.POST, "reserve"): self = .reserve
        case (.POST, "check"): self = .check
        case (.POST, "settle"): self = .settle
        case (.POST, "release"): self = .release
        case (.POST, "renew"): self = .renew
        case (.GET, "openapi.json"): self = .document
        case (.GET, "limits"): self = .limits(try Query(query))
        case (_, "authz"): self = .authz(try Query(query), uri: nil)
        default: throw Self.unknown
        }
        switch self {
        case .limits, .authz: break
        case .reserve, .check, .settle, .release, .renew, .document:
            guard query.isEmpty else { throw .denial(Denial(.invalidRequest, "This path takes no query.")) }
        }
    }

    private static var unknown: Refusal {
        .denial(
            Denial(
                .unknownRoute,
                "The decision API has POST reserve, check, settle, release, renew and GET limits, authz, openapi.json, under /quota/v1/."
            ))
    }
}

extension DecisionRoute.Query {
    fileprivate init(_ text: Substring) throws(Refusal) {
        self.init()
        for field in text.split(separator: "&") {
            let name = field.prefix { $0 != "=" }
            let value = field.dropFirst(name.count + 1)
            switch name {
            case "key": keys.append(value)
            case "product" where product == nil && Subject.isValidID(String(value)): product = String(value)
            case "model" where model == nil && Self.isModel(value): model = String(value)
            default:
                throw .denial(
                    Denial(.invalidRequest, "The query may hold product, model and key, each once and not encoded."))
            }
        }
    }

    private static func isModel(_ text: Substring) -> Bool {
        (1...200).contains(text.utf8.count) && !text.contains("%")
    }
}
