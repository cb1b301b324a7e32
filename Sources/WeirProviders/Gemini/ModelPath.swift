/// A path that names a model: Gemini's `/v1beta/models/<model>:<action>`, and `GET /v1/models/<model>` of all
/// providers. Gemini's list of models, `GET /v1beta/models`, is one without a name.
///
/// Source: https://ai.google.dev/api/all-methods
package struct ModelPath: Sendable, Equatable {
    /// `v1` or `v1beta`.
    package var version: String
    /// Without `models/`; nil in a list.
    package var model: String?
    package var endpoint: Endpoint
    /// `streamGenerateContent`: answers with events (`?alt=sse`) or an array of answers (without).
    package var isStreaming: Bool

    private enum Action: String {
        case generateContent, streamGenerateContent, countTokens
    }

    /// Nil for anything else: other actions (`batchGenerateContent`, `predict`), other collections (`tunedModels`,
    /// `cachedContents`), and names in another spelling.
    package init?(method: String, path: some StringProtocol) {
        let path = String(path)
        guard let version = ["v1beta", "v1"].first(where: { path.hasPrefix("/\($0)/models") }) else { return nil }
        self.version = version
        var rest = path.utf8.dropFirst(version.utf8.count + "//models".utf8.count)
        guard !rest.isEmpty else {
            // `GET /v1/models` is every provider's: Endpoint knows it.
            guard method == "GET", version == "v1beta" else { return nil }
            (model, endpoint, isStreaming) = (nil, .models, false)
            return
        }
        guard rest.removeFirst() == UInt8(ascii: "/") else { return nil }
        if method == "GET" {
            // OpenAI's fine-tuned models have colons in their names; Gemini's colons begin an action.
            guard Self.isName(rest, allowingColons: version == "v1") else { return nil }
            (model, endpoint, isStreaming) = (String(rest), .models, false)
            return
        }
        guard method == "POST", let colon = rest.lastIndex(of: UInt8(ascii: ":")),
            let text = String(rest[rest.index(after: colon)...]), let action = Action(rawValue: text)
        else { return nil }
        rest = rest[..<colon]
        guard Self.isName(rest, allowingColons: false) else { return nil }
        model = String(rest)
        endpoint = action == .countTokens ? .countContentTokens : .generateContent
        isStreaming = action == .streamGenerateContent
    }

    /// Plain names only: an escape or a slash would be another path to the next server.
    private static func isName(_ text: Substring.UTF8View, allowingColons: Bool) -> Bool {
        guard let first = text.first, first != UInt8(ascii: "."), text.count <= 128 else { return false }
        return text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): allowingColons
            default: false
            }
        }
    }

    /// The path again, which is where Gemini reads the model.
    package var text: String {
        guard let model else { return "/\(version)/models" }
        let action: String
        switch endpoint {
        case .generateContent: action = isStreaming ? ":streamGenerateContent" : ":generateContent"
        case .countContentTokens: action = ":countTokens"
        default: action = ""
        }
        return "/\(version)/models/\(model)\(action)"
    }
}
