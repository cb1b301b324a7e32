import ArgumentParser
import WeirAdmin

/// `weir prices add`.
struct PricesAdd: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Adds prices, for ever: every node charges by them within a second.",
        discussion: """
            All of the file or nothing. To correct a price, add it again: of two with the same valid_from the later one \
            holds. The form of the file: weir prices check --help.

              weir prices add prices.json --note "our contract of November"
            """)

    @OptionGroup var source: PriceSource

    @Option(help: "Why, for the audit.")
    var note: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let request = PriceRequest(models: try source.read(), note: note)
        let (added, json) = try await client.send(.post, ["prices"], body: .json(request), as: PricesAdded.self)
        return Report(
            text: "\(added.added) price\(added.added == 1 ? "" : "s") added; the prices are now \(added.version)",
            json: json)
    }
}
