import ArgumentParser
import WeirAdmin

/// `weir alerts list`.
struct AlertsList: AdminTableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists alerts, newest first.",
        discussion: """
            States: recorded (there was no webhook), pending, sent, dead (given up; the reason stands beside it).

              weir alerts list --state dead --limit 20
            """)

    @Option(help: "Only those in this state: recorded, pending, sent or dead.")
    var state: String?

    @Option(help: "At most so many, up to 1000.")
    var limit = 100

    @Option(help: "Where to go on: next_cursor of the list before.")
    var cursor: String?

    @OptionGroup var table: TableOptions

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.send(
            .get, ["alerts"],
            query: [("state", state), ("limit", String(limit)), ("cursor", cursor)],
            as: AlertList.self)
        var table = TextTable(
            [.init(title: "ID", isNumber: true)]
                + ["AT", "STATE", "TRIES", "KIND", "PERIOD", "TEXT", "ERROR"].map { .init(title: $0) })
        table.rows = list.alerts.map { alert in
            [
                String(alert.id), timeText(unixSeconds: alert.atMs / 1000), alert.state, String(alert.attempts),
                alert.kind, alert.period, alert.text, alert.error ?? "",
            ]
        }
        var report = Report(.table(table, whenEmpty: "no alerts"), json: json)
        if let next = list.nextCursor { report.parts.append(.text("… and older ones: --cursor \(next)", .faint)) }
        return report
    }
}
