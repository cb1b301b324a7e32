import ArgumentParser
import WeirAdmin

/// `weir kill-switch on`.
struct KillSwitchOn: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "on",
        abstract: "Throws the switch.",
        discussion: """
            Without --for or --until it stays thrown until it is switched off; it survives restarts.

              weir kill-switch on --scope team:acme --reason "key leaked" --for 1h
            """)

    @Option(help: "What to stop: global, class:NAME, product:NAME, team:ID or model:NAME.")
    var scope = "global"

    @Option(help: "One sentence for those who are stopped.")
    var reason: String

    @OptionGroup var end: UntilOptions

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let request = KillSwitchRequest(scope: scope, on: true, reason: reason, until: end.unixSeconds)
        let (state, json) = try await client.send(
            .post, ["kill-switch"], body: .json(request), as: KillSwitchState.self)
        let until = state.until.map { " until \(timeText(unixSeconds: $0))" } ?? ""
        return Report(text: "the kill switch is thrown for \(state.scope)\(until)", json: json)
    }
}
