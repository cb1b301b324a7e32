import ArgumentParser

/// `weir limits`.
struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Shows the policy's limits, and sets amounts that differ from it for one subject.",
        discussion: """
            An amount set here goes before that of the subject's groups and before the default. It is in force on every node \
            within a second, in the middle of a window or period, and what was used stays used.

              weir limits set user:acme/alice spend 75usd --until 2030-12-01 --reason "the migration"
              weir limits unset user:acme/alice spend
            """,
        subcommands: [LimitsList.self, LimitsSet.self, LimitsUnset.self])
}
