import ArgumentParser
import WeirAdmin
import WeirCore

/// `weir limits set`.
struct LimitsSet: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Gives one subject an amount of its own.",
        discussion: """
            The amount is a number in the limit's unit, or says the unit: 75usd, 200000tokens, 10requests, 8calls, or \
            unlimited. A user may be named without the team if one team alone has a key for that user.

              weir limits set user:acme/alice spend 75usd --until 2030-12-01 --reason "the migration"
              weir limits set user:42 ai-calls 50
              weir limits set team:acme ai_credits unlimited --for 2h
            """)

    @Argument(help: "user:TEAM/USER, team:TEAM, group:TEAM/GROUP, key:ID, ip:ADDRESS, product:NAME or global.")
    var subject: String

    @Argument(help: "The id of a limit; weir limits list shows them.")
    var limit: String

    @Argument(help: "How much: 75usd, 200000tokens, 10requests, 8calls, a number, or unlimited.")
    var amount: String

    @OptionGroup var end: UntilOptions

    @Option(help: "Why, for the list and the audit.")
    var reason: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        // What a bare number means, the limit's unit says.
        let (list, _) = try await client.all(["limits"], as: LimitList.self)
        guard let unit = list.limits.first(where: { $0.id == limit })?.unit else {
            throw LimitAmount.Problem(
                description: list.limits.isEmpty
                    ? "no policy with a limit is in force"
                    : "there is no limit \(limit); limits: \(list.limits.map(\.id).joined(separator: ", "))")
        }
        let units = try LimitAmount.units(of: amount, unit: unit, limit: limit)
        let request = OverrideRequest(
            limit: limit, subject: subject, amount: units, until: end.unixSeconds, reason: reason)
        let (set, json) = try await client.send(
            .put, ["overrides"], body: .json(request), as: OverrideDescription.self)
        let until = set.until.map { " until \(timeText(unixSeconds: $0))" } ?? ""
        return Report(
            text: "\(set.limit) of \(set.subject) is \(LimitAmount.text(set.amount, unit: set.unit))\(until)",
            json: json)
    }
}
