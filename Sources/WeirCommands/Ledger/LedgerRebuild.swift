import ArgumentParser
import NIOCore
import WeirAdmin

/// `weir ledger rebuild`.
struct LedgerRebuild: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Sums the days up again from their events.",
        discussion: """
            For a ledger that was changed by hand, which weir ledger verify finds. Without days it does all of them, each in \
            a transaction of its own; no event is changed, and repeating it changes nothing.

              weir ledger rebuild
              weir ledger rebuild --from 2026-11-01 --to 2026-11-21
            """)

    @Option(help: "The first UTC day, such as 2026-11-01.")
    var from: String?

    @Option(help: "The last day, included.")
    var to: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let request = RebuildRequest(from: from, to: to)
        let (answer, json) = try await Progress("summing up", unit: "days").following(client) { work in
            try await client.send(
                .post, ["ledger", "rebuild"], query: [("work", work)], body: .json(request), as: RebuildAnswer.self,
                timeout: .hours(1))
        }
        guard let from = answer.from, let to = answer.to else {
            return Report(text: "the ledger is empty", json: json)
        }
        return Report(
            text: """
                \(from) to \(to) (UTC): \(answer.sums.grouped) sums of \(answer.days.grouped) days, \
                \(answer.corrected.grouped) corrected
                """, json: json)
    }
}
