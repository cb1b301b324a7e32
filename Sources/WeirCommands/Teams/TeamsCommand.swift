import ArgumentParser
import WeirAdmin

/// `weir teams`.
struct TeamsCommand: AdminCommand {
    static let configuration = CommandConfiguration(
        commandName: "teams",
        abstract: "Lists teams with their users, keys and spending; or the users of one.",
        discussion: """
            Teams are not made by anybody: they are whom API keys name and who has spent. Calls and cost are those of this \
            calendar month (UTC).

              weir teams
              weir teams acme
            """)

    @Argument(help: "The users of this team instead.")
    var team: String?

    @OptionGroup var admin: AdminOptions

    func perform(_ client: AdminClient) async throws -> Report {
        if let team {
            let (list, json) = try await client.all(["users"], query: [("team", team)], as: UserList.self)
            guard !list.users.isEmpty else { return Report(text: "team \(team) has no users", json: json) }
            var table = Self.table(["USER", "GROUPS"])
            table.rows = list.users.map { user in
                [user.user, user.groups.joined(separator: ",")]
                    + Self.cells(user.activeKeys, of: user.keys, user.monthCalls, user.monthCostUSD)
            }
            return Report(text: table.text, json: json)
        }
        let (list, json) = try await client.all(["teams"], as: TeamList.self)
        guard !list.teams.isEmpty else { return Report(text: "no teams", json: json) }
        var table = Self.table(["TEAM", "USERS"])
        table.rows = list.teams.map { team in
            [team.team, String(team.users)]
                + Self.cells(team.activeKeys, of: team.keys, team.monthCalls, team.monthCostUSD)
        }
        return Report(text: table.text, json: json)
    }

    private static func table(_ titles: [String]) -> TextTable {
        TextTable(
            titles.map { .init(title: $0) }
                + ["ACTIVE KEYS", "CALLS", "COST USD"].map { .init(title: $0, isNumber: true) })
    }

    private static func cells(_ active: Int, of keys: Int, _ calls: Int, _ cost: String) -> [String] {
        ["\(active.grouped) of \(keys.grouped)", calls.grouped, cost]
    }
}
