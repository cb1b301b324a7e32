import ArgumentParser
import Foundation
import WeirAdmin
import WeirCore

/// `weir usage`.
struct UsageCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Shows calls, LLM tokens and money, by team, user, model, product, endpoint or day.",
        discussion: """
            From the ledger's daily sums, in UTC days; without --from the last seven, today included. Dearest first.

              weir usage --by team --days 30
              weir usage --by day --from 2026-11-01 --to 2026-11-30 --team acme
              weir usage --denials --days 1

            With --denials: how often calls were denied, by team, user, limit and reason, most first. Counted are the             answers of limits, limited set and kill switch.
            """)

    enum Column: String, ExpressibleByArgument, CaseIterable { case team, user, model, product, endpoint, day }

    @Option(help: "What to sum by.")
    var by: Column?

    @Flag(help: "Denials instead of calls.")
    var denials = false

    @Option(help: "The first day, such as 2026-11-01.")
    var from: String?

    @Option(help: "The last day, included.")
    var to: String?

    @Option(help: "So many days instead, today included.")
    var days: Int?

    @Option(help: "Only this team's calls.")
    var team: String?

    @Option(help: "Only this user's.")
    var user: String?

    @Option(help: "Only this product's.")
    var product: String?

    @Option(help: "Only this model's.")
    var model: String?

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        if denials {
            if by != nil || user != nil || product != nil || model != nil {
                throw ValidationError("--denials takes only --team and days.")
            }
        } else if by == nil {
            throw ValidationError("Give --by, or --denials.")
        }
        guard let days else { return }
        if from != nil || to != nil { throw ValidationError("Give --days, or --from and --to.") }
        if !(1...3660).contains(days) { throw ValidationError("--days is from 1 to 3660.") }
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let today = UTCDay(containingMs: Int(Date().timeIntervalSince1970 * 1000))
        let first = days.map { UTCDay(number: today.number - $0 + 1).id } ?? from
        let span = [("from", first), ("to", days == nil ? to : today.id), ("team", team)]
        if denials {
            let (list, json) = try await client.all(["denials"], query: span, as: DenialList.self)
            return Report(text: "\(list.from) to \(list.to) (UTC)\n" + Self.table(list).text, json: json)
        }
        let (usage, json) = try await client.all(
            ["usage"],
            query: span + [("by", by?.rawValue), ("user", user), ("product", product), ("model", model)],
            as: UsageAnswer.self)
        return Report(text: "\(usage.from) to \(usage.to) (UTC)\n" + Self.table(usage).text, json: json)
    }

    static func table(_ list: DenialList) -> TextTable {
        var table = TextTable(
            ["TEAM", "USER", "LIMIT", "REASON"].map { .init(title: $0) } + [.init(title: "DENIALS", isNumber: true)])
        table.rows = list.denials.map { [$0.team, $0.user ?? "", $0.limit ?? "", $0.reason, $0.denials.grouped] }
        table.rows.append(["total", "", "", "", list.total.grouped])
        return table
    }

    static func table(_ usage: UsageAnswer) -> TextTable {
        let numbers = ["CALLS", "ERRORS", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "COST USD"]
        var table = TextTable(
            [.init(title: usage.by.uppercased())] + numbers.map { .init(title: $0, isNumber: true) })
        table.rows = (usage.rows + [usage.total]).map { line in
            [
                line.name, line.calls.grouped, line.errors.grouped, line.inputTokens.grouped,
                line.cacheReadTokens.grouped,
                line.cacheWrite5mTokens.addingSaturated(line.cacheWrite1hTokens).grouped, line.outputTokens.grouped,
                line.costUSD,
            ]
        }
        return table
    }
}
