import ArgumentParser
import WeirAdmin

/// `weir admin-token list`.
struct AdminTokenList: AdminTokenSubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists admin tokens, without their text.",
        discussion: """
            Oldest first. A revoked token stays listed, since the audit names it.

              weir admin-token list
            """)

    @OptionGroup var place: LedgerOption
    @OptionGroup var admin: AdminOptions

    func perform(_ tokens: AdminTokens, _ actor: AdminActor) async throws -> Report {
        let list = AdminTokensAnswer(adminTokens: try await tokens.list())
        return report(list, json: try json(list))
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(["admin-tokens"], as: AdminTokensAnswer.self)
        return report(list, json: json)
    }

    private func report(_ list: AdminTokensAnswer, json: String) -> Report {
        guard !list.adminTokens.isEmpty else { return Report(text: "no admin tokens", json: json) }
        var table = TextTable(
            ["ID", "NAME", "ROLE", "STATUS", "CREATED", "EXPIRES", "LAST USED"].map { .init(title: $0) })
        table.rows = list.adminTokens.map { token in
            [
                token.id, token.name, token.role, token.status, token.createdAt, token.expiresAt ?? "never",
                token.lastUsedAt ?? "never",
            ]
        }
        return Report(text: table.text, json: json)
    }
}
