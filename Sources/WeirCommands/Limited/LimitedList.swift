import ArgumentParser
import WeirAdmin

/// `weir limited list`.
struct LimitedList: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the teams that are limited now.",
        discussion: """
            By resource, the longest first.

              weir limited list --resource ai_credits
            """)

    @Option(help: "Only this resource's.")
    var resource: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(
            ["limited"], query: [("resource", resource)], as: WeirAdmin.LimitedList.self)
        guard !list.limited.isEmpty else { return Report(text: "no team is limited", json: json) }
        var table = TextTable(["RESOURCE", "TEAM", "UNTIL"].map { .init(title: $0) })
        table.rows = list.limited.map { entry in
            [entry.resource, entry.team, entry.until.map { timeText(unixSeconds: $0) } ?? "without end"]
        }
        return Report(text: table.text + (list.truncated ? "\n… and more" : ""), json: json)
    }
}
