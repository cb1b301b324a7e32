import ArgumentParser

/// `weir kill-switch`.
struct KillSwitchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill-switch",
        abstract: "Stops calls at once: all that heed the switch, or those of one scope.",
        discussion: """
            A stopped call is answered with 503 and the reason, within a second on every node. The scope is global (the \
            classes that the policy marks with kill_switch: true), class:NAME, product:NAME, team:ID or model:NAME.

              weir kill-switch on --reason "spending doubled"
              weir kill-switch on --scope product:slack_app --for 30m --reason "loops"
              weir kill-switch off
            """,
        subcommands: [KillSwitchOn.self, KillSwitchOff.self, KillSwitchStatus.self])
}
