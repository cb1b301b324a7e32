import NIOHTTP1

/// What the simulator reads of a request's headers, found in one pass.
struct CallerHeaders: Sendable, Equatable {
    var xAPIKey: String?
    var bearer: String?
    var xGoogAPIKey: String?
    var simulate: String?
    var requestID: String?
    var hasAnthropicVersion = false

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            // Most names differ in length from all of these, so few are compared.
            switch name.utf8.count {
            case 9 where name.lowercased() == "x-api-key": xAPIKey = value
            case 10 where name.lowercased() == "x-simulate": simulate = simulate.map { $0 + ";" + value } ?? value
            case 13 where name.lowercased() == "authorization": bearer = Self.bearer(value)
            case 14 where name.lowercased() == "x-goog-api-key": xGoogAPIKey = value
            case 15 where name.lowercased() == "weir-request-id": requestID = String(value.prefix(128))
            case 17 where name.lowercased() == "anthropic-version": hasAnthropicVersion = true
            default: continue
            }
        }
    }

    /// How a path that several providers serve is told apart.
    var dialect: Endpoint.Dialect {
        if hasAnthropicVersion || xAPIKey != nil { return .anthropic }
        return xGoogAPIKey == nil ? .openAI : .gemini
    }

    /// The API key that counts: each provider knows its own header.
    func key(_ dialect: Endpoint.Dialect) -> String? {
        switch dialect {
        case .anthropic: xAPIKey ?? bearer
        case .openAI: bearer
        case .gemini: xGoogAPIKey
        }
    }

    private static func bearer(_ value: String) -> String? {
        let prefix = value.prefix(7)
        guard prefix.lowercased() == "bearer " else { return nil }
        let key = value.dropFirst(7).drop { $0 == " " }
        return key.isEmpty ? nil : String(key)
    }
}
