import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    /// Teams, users and groups are not made by anybody: they are whom keys name and who has spent.
    var peopleRoutes: [AdminRoute] {
        [
            .get("teams", "Teams that have a key or have spent, by name", answer: TeamList.self) { request, context in
                let month = Period.month.containing(ms: nowMs())
                return try await listAnswer(request, context, as: "teams") { _, place, limit in
                    let rows = try await ledger.teams(after: place?[0], limit: limit, days: DayRange(month))
                    return (
                        TeamList(month: month.id, teams: rows.map(TeamDescription.init)),
                        rows.count == limit ? rows.last.map { [$0.team] } : nil
                    )
                }
            },
            .get(
                "users", "Users that have a key or have spent, by team and name",
                [.init("team", .text, "Only this team's.")], answer: UserList.self
            ) { request, context in
                let month = Period.month.containing(ms: nowMs())
                return try await listAnswer(request, context, as: "users", parts: 2) { query, place, limit in
                    let rows = try await ledger.users(
                        team: query.values["team"], after: place.map { ($0[0], $0[1]) }, limit: limit,
                        days: DayRange(month))
                    return (
                        UserList(month: month.id, users: rows.map(UserDescription.init)),
                        rows.count == limit ? rows.last.map { [$0.team, $0.user] } : nil
                    )
                }
            },
            .get(
                "groups", "Groups that keys are in, by team and name", [.init("team", .text, "Only this team's.")],
                answer: GroupList.self
            ) { request, context in
                try await listAnswer(request, context, as: "groups", parts: 2) { query, place, limit in
                    let rows = try await ledger.groups(
                        team: query.values["team"], after: place.map { ($0[0], $0[1]) }, limit: limit)
                    return (
                        GroupList(groups: rows.map(GroupDescription.init)),
                        rows.count == limit ? rows.last.map { [$0.team, $0.group] } : nil
                    )
                }
            },
        ]
    }
}
