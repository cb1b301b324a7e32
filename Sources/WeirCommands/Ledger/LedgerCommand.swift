import ArgumentParser

/// `weir ledger`.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Verifies, sums up and exports the ledger, and prices its calls again.",
        discussion: """
            The ledger has one row per call and their sums by UTC day.

              weir ledger verify
              weir ledger reprice --from 2026-11-01 --to 2026-11-21 --dry-run
            """,
        subcommands: [LedgerVerify.self, LedgerRebuild.self, LedgerReprice.self, LedgerExport.self])
}
