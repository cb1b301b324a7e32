import WeirCore
import WeirProviders

/// The call that is to be explained, as it is asked about.
struct ExplainQuestion: Sendable {
    /// Whose call it is.
    enum Caller: Sendable, Equatable {
        case key(id: String)
        case member(team: String, user: String?)
        /// Somebody without a key.
        case nobody
    }

    static let parameters = [
        AdminParameter("key", .text, "The API key's id; or team and user; or nobody."),
        AdminParameter("team", .text, "Whose newest key it is."), AdminParameter("user", .text, "Of that team."),
        AdminParameter("product", .text, "As in the path; the key's default without it."),
        AdminParameter("model", .text, "The model that is asked for.", isRequired: true),
        AdminParameter(
            "provider", .oneOf(Dialect.allCases.map(\.rawValue)), "Whose API; the likely one without it."),
        AdminParameter("ip", .text, "Where the call comes from."),
        AdminParameter("input_tokens", .integer(0...Int.largestExact), "How long the request is."),
        AdminParameter("max_tokens", .integer(0...Int.largestExact), "How long the answer may be."),
    ]

    let caller: Caller
    let product: String?
    let model: String
    let provider: Dialect?
    /// As limits count it.
    let ip: String?
    let inputTokens: Int?
    let maxTokens: Int?

    /// - Throws: ``AdminError`` naming the parameter that is wrong.
    init(_ values: [String: String]) throws {
        func number(_ field: String) throws -> Int? {
            guard let text = values[field] else { return nil }
            guard let number = Int(text), (0...Int.largestExact).contains(number) else {
                throw AdminError(.invalidField, "\(field) is no number of tokens", hint: "use digits, such as 1200")
            }
            return number
        }
        switch (values["key"], values["team"], values["user"]) {
        case (let key?, nil, nil):
            guard Subject.isValidID(key), APIKey(key) == nil else {
                throw AdminError(
                    .invalidField, "key must be a key's id, such as wk_1a2B3c4D", hint: "never send the key itself")
            }
            caller = .key(id: key)
        case (nil, let team?, let user): caller = .member(team: team, user: user)
        case (nil, nil, nil): caller = .nobody
        default: throw AdminError(.invalidField, "give key, or team with or without user")
        }
        guard let model = values["model"], !model.isEmpty, model.utf8.count <= 256 else {
            throw AdminError(.invalidField, "give the model that is asked for", hint: "model=claude-sonnet-4")
        }
        self.model = model
        product = values["product"]
        provider = try values["provider"].map { text in
            guard let dialect = Dialect(rawValue: text) else {
                throw AdminError(
                    .invalidField, "there is no provider \"\(text.prefix(60))\"",
                    hint: "use \(Dialect.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return dialect
        }
        ip = try values["ip"].map { text in
            guard let address = IPAddress(text) else {
                throw AdminError(.invalidField, "\"\(text.prefix(60))\" is no address", hint: "such as 192.0.2.7")
            }
            return address.subject
        }
        inputTokens = try number("input_tokens")
        maxTokens = try number("max_tokens")
    }
}
