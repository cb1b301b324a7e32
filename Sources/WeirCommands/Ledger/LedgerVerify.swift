import ArgumentParser
import NIOCore
import WeirAdmin

/// `weir ledger verify`.
struct LedgerVerify: AdminTableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks that the sums of all days are the sums of their events.",
        discussion: """
            And that the coarser sums, which the costs are read from, are the sums of these. They differ only if somebody \
            changed the ledger by hand; then each difference is listed, with exit code 1. weir ledger rebuild mends them.

              weir ledger verify
            """)

    @OptionGroup var table: TableOptions

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (answer, json) = try await Progress("verifying", unit: "days").following(client) { work in
            try await client.send(
                .get, ["ledger", "verify"], query: [("work", work)], as: VerifyAnswer.self, timeout: .minutes(10))
        }
        if answer.ok { return Report(text: "every day's sums are the sums of its events", json: json) }
        var table = TextTable(
            ["SUM", "DAY", "TEAM", "USER", "PRODUCT", "ENDPOINT", "MODEL"].map { .init(title: $0) }
                + ["CALLS", "RIGHT CALLS", "COST USD", "RIGHT COST USD"].map { .init(title: $0, isNumber: true) })
        table.rows = answer.first.map { line in
            [
                line.table, line.day, line.team ?? "", line.user ?? "", line.product ?? "", line.endpoint ?? "",
                line.model ?? "", line.summary.calls.grouped, line.events.calls.grouped, line.summary.costUSD,
                line.events.costUSD,
            ]
        }
        let head = "\(answer.differences) sums are not those of their events (weir ledger rebuild mends them)"
        let more = answer.differences > answer.first.count ? "; the first \(answer.first.count):" : ":"
        return Report(.text(head + more), .table(table), json: json, isSuccess: false)
    }
}
