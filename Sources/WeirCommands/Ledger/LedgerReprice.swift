import ArgumentParser
import NIOCore
import WeirAdmin

/// `weir ledger reprice`.
struct LedgerReprice: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "reprice",
        abstract: "Charges the calls of some days by the prices that are known now.",
        discussion: """
            Each call is priced by what held on its day. Where that differs from what it was charged, the difference is added \
            as a correction: a row of its own, in the sums of that day. No row is changed, and repeating it adds nothing. \
            Calls without a price stay as they are. What limits have counted in Redis stays as it was: limits by the ledger \
            and weir usage see the corrections, reservations do not.

              weir ledger reprice --from 2026-11-01 --to 2026-11-21 --dry-run
            """)

    @Option(help: "The first UTC day, such as 2026-11-01.")
    var from: String

    @Option(help: "The last day, included.")
    var to: String

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let request = RepriceRequest(from: from, to: to, dryRun: dryRun)
        let (answer, json) = try await Progress("repricing", unit: "days").following(client) { work in
            try await client.send(
                .post, ["ledger", "reprice"], query: [("work", work)], body: .json(request), as: RepriceAnswer.self,
                timeout: .minutes(10))
        }
        let done = dryRun ? "would be corrected" : "corrected"
        var text = """
            \(answer.from) to \(answer.to) (UTC) by prices \(answer.priceVersion)
            \(answer.corrected.grouped) of \(answer.events.grouped) calls \(done), by \(answer.differenceUSD) USD in all
            """
        if answer.unpriced > 0 {
            text += "\n\(answer.unpriced.grouped) calls have no price and stay as they are (weir prices list)"
        }
        return Report(text: text, json: json)
    }
}
