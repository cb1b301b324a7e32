import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    /// The most teams of one resource that a list shows.
    private static let mostListed = 10_000

    var limitedRoutes: [AdminRoute] {
        [
            .get(
                "limited", "Teams that may not spend a resource now, longest first",
                [.init("resource", .text, "Only this resource's.")], answer: LimitedList.self
            ) { request, context in try await listLimited(request, context) },
            .on(
                .put, "limited/{resource}/{team}", role: .operator, "Limit a team", body: .json(LimitedRequest.self),
                answer: LimitedTeam.self
            ) { try await addLimited($0, $1) },
            .on(
                .delete, "limited/{resource}/{team}", role: .operator, "Admit a team again", answer: Removed.self
            ) { _, context in try await removeLimited(context) },
        ]
    }

    private func listLimited(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await wantedResource(context)
        return try await listAnswer(request, context, as: "limited", parts: 2) { _, place, limit in
            let resources = if let wanted { [wanted] } else { try await policyInForce()?.resources ?? [] }
            var all = LimitedList(limited: [], truncated: false)
            let nowMs = try await publication.nowMs()
            for resource in resources {
                let teams = try await publication.limited(resource: resource, nowMs: nowMs, count: Self.mostListed + 1)
                all.limited += teams.prefix(Self.mostListed)
                if teams.count > Self.mostListed { all.truncated = true }
            }
            let (items, next) = page(all.limited, behind: place, limit) { [$0.resource, $0.team] }
            all.limited = items
            return (all, next)
        }
    }

    private func addLimited(_ request: Request, _ context: AdminContext) async throws -> Response {
        let (resource, team) = try await place(context)
        let wanted = try await request.message(LimitedRequest.self, upTo: 65_536)
        let reason = try sentence(wanted.reason, "reason")
        let nowMs = try await publication.nowMs()
        guard let until = try end(wanted.until, wanted.untilAt, nowMs: nowMs) else {
            throw AdminError(
                .invalidField, "the field \"until\" is missing", hint: "unix seconds; it is \(nowMs / 1000) now",
                field: "until")
        }
        let before = try await publication.score(of: team, resource: resource)
        let entry = audit(
            context, "limited.add", "\(resource)/\(team)", before: before, after: String(until), reason: reason)
        // Written down first: the aggregator that sees it in Redis knows by it that an operator said so here.
        try await ledger.changeStanding(
            set: [StandingEntry(.limited, "\(resource)/\(team)", String(until))], remove: [], audit: [entry])
        do {
            try await publication.limit(team, resource: resource, until: until)
        } catch {
            throw unchanged(error)
        }
        return try answer(LimitedTeam(resource: resource, team: team, until: until))
    }

    private func removeLimited(_ context: AdminContext) async throws -> Response {
        let (resource, team) = try await place(context)
        let before = try await publication.score(of: team, resource: resource)
        guard let before else { return try answer(Removed(removed: false)) }
        try await ledger.changeStanding(
            set: [], remove: [StandingEntry.Place(.limited, "\(resource)/\(team)")],
            audit: [audit(context, "limited.remove", "\(resource)/\(team)", before: before)])
        do {
            return try answer(Removed(removed: try await publication.removeLimited(team, resource: resource)))
        } catch {
            throw unchanged(error)
        }
    }

    private func wantedResource(_ context: AdminContext) async throws -> String? {
        guard let name = context.query["resource"] else { return nil }
        return try await resource(name)
    }

    /// The error of a change that takes effect in Redis: the ledger says who asked for it, and keeps a copy.
    func unchanged(_ error: any Error) -> AdminError {
        AdminError(
            .redisUnavailable, "Redis did not confirm the change: \(error)",
            hint: "it may or may not be in force; repeat the request, which is safe")
    }

    private func place(_ context: AdminContext) async throws -> (resource: String, team: String) {
        (try await resource(parameter("resource", context)), try valid(parameter("team", context), "a team"))
    }

    /// A resource of the policy in force.
    private func resource(_ name: String) async throws -> String {
        let known = try await policyInForce()?.resources ?? []
        guard known.contains(name) else {
            throw AdminError(
                .notFound, "there is no resource \"\(name.prefix(60))\"",
                hint: known.isEmpty
                    ? "no policy with a resource was applied" : "resources: \(known.joined(separator: ", "))")
        }
        return name
    }
}
