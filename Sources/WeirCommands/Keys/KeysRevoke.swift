import ArgumentParser
import WeirAdmin

/// `weir keys revoke`.
struct KeysRevoke: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revokes an API key, for ever.",
        discussion: """
            Every node refuses it within a second. Revoking twice does no harm.

              weir keys revoke wk_1a2B3c4D
            """)

    @Argument(help: "The key's id, as weir keys list shows it.")
    var id: String

    @OptionGroup var admin: AdminOptions

    func validate() throws { try Self.refuseSecret(id) }

    /// Arguments are seen by every user of the machine.
    static func refuseSecret(_ id: String) throws {
        if id.count > 20 { throw ValidationError("Give the key's id (wk_1a2B3c4D), not the key: it is a secret.") }
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let (key, json) = try await client.send(.delete, ["keys", id], as: KeyDescription.self)
        return Report(text: "\(key.id) of team \(key.team) is revoked", json: json)
    }
}
