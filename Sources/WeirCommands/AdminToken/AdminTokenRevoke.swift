import ArgumentParser
import WeirAdmin

/// `weir admin-token revoke`.
struct AdminTokenRevoke: AdminTokenSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revokes an admin token, for ever.",
        discussion: """
            The next request with it is refused, and sessions of the dashboard that began with it end. Revoking twice does no \
            harm.

              weir admin-token revoke wa_1a2B3c4D
            """)

    @Argument(help: "The token's id, as weir admin-token list shows it.")
    var id: String

    @OptionGroup var place: LedgerOption
    @OptionGroup var admin: AdminOptions

    /// Arguments are seen by every user of the machine.
    func validate() throws {
        if id.count > 20 { throw ValidationError("Give the token's id (wa_1a2B3c4D), not the token: it is a secret.") }
    }

    func perform(_ tokens: AdminTokens, _ actor: AdminActor) async throws -> Report {
        let token = try await tokens.revoke(id, by: actor)
        return report(token, json: try json(token))
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let (token, json) = try await client.send(.delete, ["admin-tokens", id], as: AdminTokenDescription.self)
        return report(token, json: json)
    }

    private func report(_ token: AdminTokenDescription, json: String) -> Report {
        Report(text: "\(token.id) of \(token.name) is revoked", json: json)
    }
}
