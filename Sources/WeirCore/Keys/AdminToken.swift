/// The token of somebody who may use the admin API, as its holder sees it: `wa_1a2B3c4D_` with its secret and a checksum.
///
/// As with an ``APIKey``, the text is answered once, when it is made, and only its SHA-256 is kept.
package struct AdminToken: Sendable, Hashable {
    /// `wa_1a2B3c4D`: shown to people, written to logs and the audit.
    package let id: String
    /// The whole token. A secret.
    package let text: String

    private static let form = CredentialForm(prefix: "wa_")

    /// A new token. Production passes `SystemRandomNumberGenerator`.
    package static func generate(using generator: inout some RandomNumberGenerator) -> AdminToken {
        let (id, text) = form.generate(using: &generator)
        return AdminToken(id: id, text: text)
    }

    private init(id: String, text: String) {
        self.id = id
        self.text = text
    }

    /// Reads a token; nil unless it has a token's form and its checksum is right.
    package init?(_ text: String) {
        guard let id = Self.form.id(of: text) else { return nil }
        self.init(id: id, text: text)
    }
}

extension AdminToken: CustomStringConvertible, CustomReflectable {
    /// The short id: a token that reaches a log by accident does not give itself away.
    package var description: String { id }

    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
