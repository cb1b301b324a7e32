import ArgumentParser
import WeirAdmin

/// `weir limited remove`.
struct LimitedRemove: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Takes a team out of the limited set.",
        discussion: """
            An operator has the last word: the aggregator does not put the team back before its period ends or the limit changes.

              weir limited remove acme --resource ai_credits
            """)

    @Argument(help: "The team.")
    var team: String

    @Option(help: "A resource of the policy.")
    var resource: String

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (answer, json) = try await client.send(.delete, ["limited", resource, team], as: Removed.self)
        return Report(
            text: answer.removed
                ? "team \(team) is no longer limited in \(resource)" : "team \(team) was not limited in \(resource)",
            json: json)
    }
}
