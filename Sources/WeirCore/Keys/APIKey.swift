/// An API key as its holder sees it: `wk_1a2B3c4D_` with its secret and a checksum behind it.
///
/// The text is answered once, when the key is made, and never kept: Redis and the ledger know its SHA-256 and its
/// short id.
public struct APIKey: Sendable, Hashable {
    /// `wk_1a2B3c4D`: shown to people, written to logs and the ledger.
    public let id: String
    /// The whole key. A secret.
    public let text: String

    private static let form = CredentialForm(prefix: "wk_")

    /// A new key. Production passes `SystemRandomNumberGenerator`.
    public static func generate(using generator: inout some RandomNumberGenerator) -> APIKey {
        let (id, text) = form.generate(using: &generator)
        return APIKey(id: id, text: text)
    }

    private init(id: String, text: String) {
        self.id = id
        self.text = text
    }

    /// Reads a key; nil unless it has a key's form and its checksum is right.
    public init?(_ text: String) {
        guard let id = Self.form.id(of: text) else { return nil }
        self.init(id: id, text: text)
    }
}

extension APIKey: CustomStringConvertible, CustomReflectable {
    /// The short id: a key that reaches a log by accident does not give itself away.
    public var description: String { id }

    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
