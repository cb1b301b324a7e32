import ArgumentParser

/// `weir prices`.
struct PricesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Lists, checks and adds the prices that calls are charged by.",
        discussion: """
            A price table ships with Weir. What you add to it holds for calls from its valid_from on, is never changed, and \
            reaches every node within a second. Calls that were charged before by other prices stay as they are until:

              weir prices add prices.json && weir ledger reprice --from 2026-11-01 --to 2026-11-21
            """,
        subcommands: [PricesList.self, PricesCheck.self, PricesAdd.self])
}
