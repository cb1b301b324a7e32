import ArgumentParser
import WeirAdmin

/// `weir kill-switch status`.
struct KillSwitchStatus: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what is stopped, by whom and why.",
        discussion: """
            Also what was switched off, with who did so last.

              weir kill-switch status --json
            """)

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(["kill-switch"], as: KillSwitchList.self)
        guard !list.killSwitch.isEmpty else { return Report(text: "nothing is stopped", json: json) }
        var table = TextTable(["SCOPE", "STATE", "SINCE", "UNTIL", "BY", "REASON"].map { .init(title: $0) })
        table.rows = list.killSwitch.map { state in
            [
                state.scope, state.thrown ? "thrown" : state.on ? "ended" : "off",
                state.since > 0 ? timeText(unixSeconds: state.since) : "",
                state.until.map { timeText(unixSeconds: $0) } ?? "", state.actor, state.reason,
            ]
        }
        return Report(text: table.text, json: json)
    }
}
