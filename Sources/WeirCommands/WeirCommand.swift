import ArgumentParser

/// `weir`: everything that runs Weir, and everything an operator asks of it.
package struct WeirCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "Measures and limits calls to language models, and any other API.",
        discussion: """
            Gateway nodes share one Redis, decide in one atomic step whether a call may spend, and charge what it really \
            cost; an aggregator keeps the ledger. The commands below speak to the aggregator's admin API.

            Every flag has a variable of the environment, shown in brackets; a flag wins. Exit codes: 0 done, 1 failed or \
            refused (the reason is on stderr), 64 wrong usage.

              weir policy apply deploy/policy.yaml
              weir keys create --team acme --user alice
              weir usage --by team
              weir kill-switch on --reason "spending doubled"
            """,
        subcommands: [
            AggregatorCommand.self, AdminTokenCommand.self, KeysCommand.self, TeamsCommand.self, LimitsCommand.self,
            LimitedCommand.self,
            KillSwitchCommand.self,
            UsageCommand.self, PolicyCommand.self, SimulateCommand.self, PricesCommand.self, LedgerCommand.self,
            StatusCommand.self, DoctorCommand.self, GatewayCommand.self, SimulatorCommand.self, ChaosCommand.self,
            DevCommand.self,
            BenchCommand.self,
        ])

    package init() {}

    /// Runs what the process's arguments say, and ends the process with the exit code.
    package static func launch() async { await main() }
}
