import ArgumentParser
import WeirAdmin

/// `weir keys list`.
struct KeysList: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists API keys, without their text.",
        discussion: """
            Oldest first. A revoked key stays listed, since the ledger's events name it.

              weir keys list --team acme
            """)

    @Option(help: "Only this team's.")
    var team: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(["keys"], query: [("team", team)], as: KeyList.self)
        return Report(text: list.keys.isEmpty ? "no keys" : Self.table(list.keys).text, json: json)
    }

    static func table(_ keys: [KeyDescription]) -> TextTable {
        var table = TextTable(
            ["ID", "TEAM", "USER", "PRODUCTS", "MODELS", "STATUS", "CREATED", "EXPIRES"].map { .init(title: $0) })
        table.rows = keys.map { key in
            [
                key.id, key.team, key.user ?? "", key.products.isEmpty ? "all" : key.products.joined(separator: ","),
                key.models.isEmpty ? "all" : key.models.joined(separator: ","), key.status,
                timeText(ms: key.createdAtMs), key.expiresAtMs.map { timeText(ms: $0) } ?? "never",
            ]
        }
        return table
    }
}
