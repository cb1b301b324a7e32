import ArgumentParser
import WeirAdmin

/// `weir limits unset`.
struct LimitsUnset: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset",
        abstract: "Takes a subject's own amount back: from now on policy holds again.",
        discussion: """
            What was used stays used.

              weir limits unset user:acme/alice spend
            """)

    @Argument(help: "As given to weir limits set.")
    var subject: String

    @Argument(help: "The id of a limit.")
    var limit: String

    @Option(help: "Why, for the audit.")
    var reason: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let request = OverrideRequest(limit: limit, subject: subject, amount: nil, reason: reason)
        let (answer, json) = try await client.send(
            .put, ["overrides"], body: .json(request), as: OverrideRemoved.self)
        return Report(
            text: answer.removed
                ? "\(answer.limit) of \(answer.subject) is what policy says"
                : "\(answer.limit) of \(answer.subject) had no amount of its own; policy holds", json: json)
    }
}
