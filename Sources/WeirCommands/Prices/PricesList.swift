import ArgumentParser
import WeirAdmin
import WeirCore

/// `weir prices list`.
struct PricesList: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the prices in force, and models without one.",
        discussion: """
            In dollars per million tokens. TIER is the number of input tokens above which dearer rates hold (--json has \
            them); BATCH is what a batch call costs, in percent.

              weir prices list --day 2026-10-01
              weir prices list --all
            """)

    @Option(help: "The UTC day, such as 2026-10-01; today without it.")
    var day: String?

    @Flag(help: "Also those that were replaced, or come into force later.")
    var all = false

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.all(["prices"], query: [("day", day)], as: PriceList.self)
        var text = "prices \(list.version), in force on \(list.day) (UTC)\n" + Self.table(list.models).text
        if all, !list.others.isEmpty { text += "\n\nnot in force on that day\n" + Self.table(list.others).text }
        if !list.unpricedModels.isEmpty {
            text +=
                "\n\nwithout a price, though policy or keys name them: \(list.unpricedModels.joined(separator: ", "))"
        }
        return Report(text: text, json: json)
    }

    static func table(_ models: [ModelPrice]) -> TextTable {
        let numbers = ["INPUT", "CACHE READ", "WRITE 5M", "WRITE 1H", "OUTPUT", "TIER", "BATCH"]
        var table = TextTable(
            ["PROVIDER", "MODEL", "FROM"].map { .init(title: $0) } + numbers.map { .init(title: $0, isNumber: true) })
        table.rows = models.map { model in
            let rates = model.price.base
            return [model.provider, model.model, model.validFrom?.id ?? ""]
                + [rates.input, rates.cacheRead, rates.cacheWrite5m, rates.cacheWrite1h, rates.output]
                .map(PriceText.dollars)
                + [
                    model.price.tiers.map { $0.aboveInputTokens.grouped }.joined(separator: " "),
                    model.price.batchPercent.map { "\($0) %" } ?? "",
                ]
        }
        return table
    }
}
