import ArgumentParser
import WeirAdmin

/// `weir policy versions`.
struct PolicyVersions: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "Lists the policies that were applied, newest first.",
        discussion: """
            The first is in force. Each can be shown and applied again.

              weir policy versions && weir policy show --version 3
            """)

    @Option(help: "How many, from 1 to 1000.")
    var limit = 100

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        if !(1...1000).contains(limit) { throw ValidationError("--limit is from 1 to 1000.") }
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(["policy", "versions"], as: PolicyList.self, most: limit)
        var table = TextTable(
            [.init(title: "VERSION", isNumber: true)] + ["APPLIED", "BY", "NOTE"].map { .init(title: $0) })
        table.rows = list.versions.map { [String($0.version), timeText(ms: $0.appliedAtMs), $0.actor, $0.note] }
        return Report(text: list.versions.isEmpty ? "no policy was applied yet" : table.text, json: json)
    }
}
