import ArgumentParser

/// `weir bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures decisions, calls and the ledger on this machine, beside a yardstick in the same run.",
        discussion: """
            Absolute rates depend on the machine and on what else it does; the ratios to the yardstick, measured in turn \
            within one run, hold. Every benchmark prints the medians of its rounds and the ratios.

              weir bench admit
              weir bench gateway
              weir bench ingest
              weir bench rebuild
            """,
        subcommands: [
            BenchAdmitCommand.self, BenchGatewayCommand.self, BenchIngestCommand.self, BenchRebuildCommand.self,
        ])
}
