import ArgumentParser

/// `weir alerts`.
struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts",
        abstract: "What was worth an alert, and what became of it.",
        discussion: """
            The leading aggregator raises alerts at shares of limits, when the cost guard warns or kills, when usage \
            waits too long, Redis is lost, a model has no price, or nodes die; each once per subject and period. They \
            go to the webhook that the policy names.

              weir alerts list --state dead
              weir alerts test
            """,
        subcommands: [AlertsList.self, AlertsTest.self])
}
