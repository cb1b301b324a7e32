import ArgumentParser
import WeirAdmin

/// `weir kill-switch off`.
struct KillSwitchOff: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "off",
        abstract: "Takes the switch back.",
        discussion: """
            One scope at a time; weir kill-switch status shows what is thrown.

              weir kill-switch off --scope team:acme --reason "key replaced"
            """)

    @Option(help: "What to let through again.")
    var scope = "global"

    @Option(help: "Why, for the audit.")
    var reason: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let request = KillSwitchRequest(scope: scope, on: false, reason: reason)
        let (state, json) = try await client.send(
            .post, ["kill-switch"], body: .json(request), as: KillSwitchState.self)
        return Report(text: "the kill switch is off for \(state.scope)", json: json)
    }
}
