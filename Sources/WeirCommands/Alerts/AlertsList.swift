import ArgumentParser
import WeirAdmin

/// `weir alerts list`.
struct AlertsList: AdminCommand {
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

    @Option(help: "Only those older than the one with this id, to go on where a list ended.")
    var before: Int?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        let (list, json) = try await client.send(
            .get, ["alerts"],
            query: [("state", state), ("limit", String(limit)), ("before", before.map { String($0) })],
            as: AlertList.self)
        guard !list.alerts.isEmpty else { return Report(text: "no alerts", json: json) }
        var table = TextTable(
            [.init(title: "ID", isNumber: true)]
                + ["AT", "STATE", "TRIES", "KIND", "PERIOD", "TEXT", "ERROR"].map { .init(title: $0) })
        table.rows = list.alerts.map { alert in
            [
                String(alert.id), timeText(unixSeconds: alert.atMs / 1000), alert.state, String(alert.attempts),
                alert.kind, alert.period, alert.text, alert.error ?? "",
            ]
        }
        return Report(text: table.text + (list.truncated ? "\n… and older ones: --before ID" : ""), json: json)
    }
}
