import ArgumentParser
import WeirAdmin

/// `weir limited add`.
struct LimitedAdd: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Limits a team: its billable calls are denied until a given time.",
        discussion: """
            A second time changes the end. The aggregator never shortens or removes an entry made by hand.

              weir limited add acme --resource ai_credits --for 2h
              weir limited add acme --resource ai_credits --until 2026-12-01
            """)

    @Argument(help: "The team.")
    var team: String

    @Option(help: "What the team may not spend: a resource of the policy.")
    var resource: String

    @OptionGroup var end: UntilOptions

    @Option(help: "Why, for the audit.")
    var reason: String?

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        if end.span == nil, end.until == nil { throw ValidationError("Say how long: --for 2h or --until 2026-12-01.") }
    }

    func perform(_ client: AdminClient) async throws -> Report {
        let request = LimitedRequest(until: end.unixSeconds ?? 0, reason: reason)
        let (entry, json) = try await client.send(
            .put, ["limited", resource, team], body: .json(request), as: LimitedTeam.self)
        let until = entry.until.map { timeText(unixSeconds: $0) } ?? "without end"
        return Report(text: "team \(entry.team) is limited in \(entry.resource) until \(until)", json: json)
    }
}
