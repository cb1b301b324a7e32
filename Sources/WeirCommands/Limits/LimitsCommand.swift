import ArgumentParser

/// `weir limits`.
struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Shows the policy's limits, explains what they say of a call, and sets amounts of single subjects.",
        discussion: """
            An amount set here goes before that of the subject's groups and before the default. It is in force on every node \
            within a second, in the middle of a window or period, and what was used stays used.

              weir limits set user:acme/alice spend 75usd --until 2030-12-01 --reason "the migration"
              weir limits unset user:acme/alice spend
              weir limits explain --team acme --user alice --model claude-sonnet-4
            """,
        subcommands: [LimitsList.self, LimitsExplain.self, LimitsSet.self, LimitsUnset.self])
}
