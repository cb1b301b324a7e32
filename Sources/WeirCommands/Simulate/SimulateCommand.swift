import ArgumentParser
import NIOCore
import WeirAdmin
import WeirCore

/// `weir simulate`.
struct SimulateCommand: AdminTableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract:
            "Replays the ledger against a proposed policy: who would have been denied or downgraded, and what it saves.",
        discussion: """
            Nothing is applied. Each recorded call is asked of the policy in the order of time, with counters in memory; \
            budgets begin with their periods, also before the days that are shown. Assumed is:

            - What a call used is both what it reserves and what it costs. Real reservations are upper bounds, so near the \
            end of an amount a gateway denies a little more.
            - What was denied then is not in the ledger, and what is denied in the replay would not have been tried again.
            - Groups, models of keys and amounts set by weir limits set are those of today. Limits per address are left out, \
            since the ledger has no addresses.
            - enforce: ledger and cost_guard act at once, until their period ends, and no operator interferes. A model that \
            takes another's place uses the same tokens, and no dearer model takes the place of the one that served.

              weir simulate --policy new.yaml --days 30
              weir simulate --policy new.yaml --days 7 --team acme --json
            """)

    @Option(help: "The proposed policy's YAML file; - for stdin. ${NAME} comes from the environment of this command.")
    var policy: String

    @Option(help: "So many UTC days, today included.")
    var days = 30

    @Option(help: "Show this team alone; everybody's calls are replayed all the same.")
    var team: String?

    @OptionGroup var table: TableOptions

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        guard (1...366).contains(days) else { throw ValidationError("--days is from 1 to 366.") }
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let source = try PolicySource.parse([policy])
        let yaml = try PolicyFile.resolved(
            text: source.text(), name: source.name, environment: Setting.environment)
        let (answer, json) = try await Progress("replaying", unit: "calls").following(client) { work in
            try await client.send(
                .post, ["simulate"],
                query: [("days", String(days)), ("team", team), ("name", source.name), ("work", work)],
                body: .yaml(yaml), as: SimulationAnswer.self, timeout: .minutes(10))
        }
        return Self.report(answer, json: json)
    }

    static func report(_ answer: SimulationAnswer, json: String) -> Report {
        let total = answer.total
        var report = Report(
            text: """
                \(answer.from) to \(answer.to) (UTC)\(answer.team.map { ", team \($0)" } ?? ""): \(total.calls.grouped) calls, \
                \(total.denied.grouped) would have been denied, \(total.downgraded.grouped) downgraded, \
                \(total.shortened.grouped) shortened
                \(total.costUSD) USD were spent; it would have been \(total.wouldCostUSD) USD, saving \(total.savedUSD) USD
                """, json: json)
        if !answer.denials.isEmpty {
            var table = happenings(["DENIED BY", "REASON"])
            table.rows = answer.denials.map {
                [$0.limit ?? "", $0.reason, $0.calls.grouped, $0.savedUSD, $0.firstAt, $0.lastAt]
            }
            report.parts += [.text(""), .table(table)]
        }
        if !answer.downgrades.isEmpty {
            var table = happenings(["SERVED BY", "WOULD BE"])
            table.rows = answer.downgrades.map {
                [$0.from, $0.to, $0.calls.grouped, $0.savedUSD, $0.firstAt, $0.lastAt]
            }
            report.parts += [.text(""), .table(table)]
        }
        for (title, lines) in [
            ("TEAM", answer.teams), ("USER", answer.users), ("MODEL", answer.models), ("DAY", answer.days),
        ] where !lines.isEmpty {
            report.parts += [.text(""), .table(table(title, lines))]
        }
        return report
    }

    private static func happenings(_ names: [String]) -> TextTable {
        TextTable(
            names.map { .init(title: $0) } + ["CALLS", "SAVED USD"].map { .init(title: $0, isNumber: true) }
                + ["FIRST", "LAST"].map { .init(title: $0) })
    }

    private static func table(_ title: String, _ lines: [SimulatedUsage]) -> TextTable {
        let numbers = ["CALLS", "DENIED", "DOWNGRADED", "COST USD", "WOULD BE", "SAVED"]
        var table = TextTable([.init(title: title)] + numbers.map { .init(title: $0, isNumber: true) })
        table.rows = lines.map {
            [
                $0.name, $0.calls.grouped, $0.denied.grouped, $0.downgraded.grouped, $0.costUSD, $0.wouldCostUSD,
                $0.savedUSD,
            ]
        }
        return table
    }
}
