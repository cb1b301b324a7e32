import ArgumentParser
import WeirAdmin

/// `weir policy show`.
struct PolicyShow: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows the policy in force, or an older version, as the file that was applied.",
        discussion: """
            The first lines are comments, so that the answer is a policy file again.

              weir policy show --version 3 > old.yaml
            """)

    @Option(help: "Which version; the newest without it.")
    var version: Int?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (answer, json) = try await client.send(
            .get, ["policy"], query: [("version", version.map(String.init))], as: PolicyAnswer.self)
        let note = answer.note.isEmpty ? "" : ": \(answer.note)"
        let head = "# version \(answer.version), applied \(timeText(ms: answer.appliedAtMs)) by \(answer.actor)\(note)"
        let yaml = answer.yaml.last == "\n" ? String(answer.yaml.dropLast()) : answer.yaml
        return Report(text: head + "\n" + yaml, json: json)
    }
}
