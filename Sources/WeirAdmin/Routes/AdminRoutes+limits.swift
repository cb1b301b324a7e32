import Hummingbird
import WeirCore
import WeirLedger
import WeirRedis

extension AdminRoutes {
    var limitRoutes: [AdminRoute] {
        [
            .get(
                "limits", "The limits of the policy in force, and the amounts that differ from it",
                answer: LimitList.self
            ) { request, context in try await listLimits(request, context) },
            .get(
                "overrides", "Amounts that differ from policy",
                [.init("limit_id", .text, "Only this limit's."), .init("subject", .text, "Only this subject's.")],
                answer: OverrideList.self
            ) { request, context in try await listOverrides(request, context) },
            .on(
                .put, "overrides", role: .admin, "Set the amount of a limit for one subject, or with null unset it",
                body: .json(OverrideRequest.self), answer: OverrideChange.self
            ) { request, context in try await changeOverride(request, context) },
            .on(
                .post, "overrides", role: .admin, "The same as PUT", body: .json(OverrideRequest.self),
                answer: OverrideChange.self
            ) { request, context in try await changeOverride(request, context) },
            .on(
                .delete, "overrides/{limit}/{subject}", role: .admin, "Back to what policy says",
                answer: OverrideRemoved.self
            ) { _, context in try await unsetOverride(context) },
        ]
    }

    /// Overrides that are told together with their limits.
    private static let mostOverridesOfLimits = 1000

    private func listLimits(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "limits") { _, place, limit in
            let policy = try await policyInForce()
            let (limits, next) = page(policy?.limits ?? [], behind: place, limit) { [$0.id] }
            let names = Set(limits.map(\.id))
            // Of a limit that the policy no longer has: with the last page.
            let others = Set(policy?.limits.map(\.id) ?? [])
            let overrides = try await overrides().filter {
                names.contains($0.limit) || (next == nil && !others.contains($0.limit))
            }
            return (
                LimitList(
                    policyVersion: policy?.version ?? 0, limits: limits.map(LimitDescription.init),
                    overrides: Array(overrides.prefix(Self.mostOverridesOfLimits))),
                next
            )
        }
    }

    private func listOverrides(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "overrides", parts: 2) { query, place, limit in
            let values = query.values
            let all = try await overrides().filter { override in
                (values["limit_id"] ?? override.limit) == override.limit
                    && (values["subject"] ?? override.subject) == override.subject
            }
            let (items, next) = page(all, behind: place, limit) { [$0.limit, $0.subject] }
            return (OverrideList(overrides: items), next)
        }
    }

    /// Those in force.
    private func overrides() async throws -> [OverrideDescription] {
        let limits = try await policyInForce()?.limits ?? []
        let now = nowMs()
        return try await ledger.overrides().filter { $0.isInForce(atMs: now) }.map { override in
            OverrideDescription(override, limit: limits.first { $0.id == override.limit })
        }
    }

    private func changeOverride(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await request.message(OverrideRequest.self, upTo: 65_536)
        let reason = try sentence(wanted.reason, "reason")
        guard let amount = wanted.amount else {
            guard wanted.until == nil, wanted.untilAt == nil else {
                throw AdminError(
                    .invalidField, "an override that is taken back has no end", hint: "leave until out")
            }
            return try await unset(wanted.limit, wanted.subject, reason: reason, context)
        }
        let limit = try await limit(wanted.limit)
        let subject = try await subject(wanted.subject, of: limit)
        guard (0...Int.largestExact).contains(amount) else {
            throw AdminError(
                .invalidField, "amount must be from 0 to \(Int.largestExact)",
                hint:
                    "in the limit's unit, \(limit.unit.rawValue)\(limit.unit == .usd ? ", as micro-dollars" : ""); 0 is unlimited"
            )
        }
        let now = nowMs()
        let until = try end(wanted.until, wanted.untilAt, nowMs: now)
        let name = OverrideName(limit: limit.id, subject: subject.text)
        let override = Override(
            limit: name.limit, subject: name.subject, amount: amount, untilMs: until.map { $0 * 1000 },
            reason: reason, actor: context.actor.name, createdAtMs: now)
        try await ledger.setOverride(
            override,
            audit: audit(
                context, "override.set", name.text, before: try await standing(name), after: Self.text(override),
                reason: reason))
        try await publish(name)
        return try answer(OverrideDescription(override, limit: limit))
    }

    private func unsetOverride(_ context: AdminContext) async throws -> Response {
        try await unset(try parameter("limit", context), try parameter("subject", context), reason: nil, context)
    }

    private func unset(_ limitID: String, _ subjectText: String, reason: String?, _ context: AdminContext)
        async throws -> Response
    {
        let before = try await ledger.overrides().first { $0.limit == limitID && $0.subject == subjectText }
        let name: OverrideName
        if let before {
            // It can be taken back also when the policy no longer has its limit.
            name = OverrideName(limit: before.limit, subject: before.subject)
        } else {
            let limit = try await limit(limitID)
            name = OverrideName(limit: limit.id, subject: try await subject(subjectText, of: limit).text)
        }
        let removed = try await ledger.removeOverride(
            limit: name.limit, subject: name.subject,
            audit: audit(context, "override.unset", name.text, before: try await standing(name), reason: reason))
        // Also when the ledger has none: one that was set by hand goes, too.
        try await publish(name)
        return try answer(OverrideRemoved(limit: name.limit, subject: name.subject, removed: removed))
    }

    private func publish(_ name: OverrideName) async throws {
        do { try await publication.publishOverride(name) } catch {
            throw notPublished(error, "the override of \(name.limit) for \(name.subject)")
        }
    }

    private func standing(_ name: OverrideName) async throws -> String? {
        try await ledger.overrides().first { $0.limit == name.limit && $0.subject == name.subject }.map(Self.text)
    }

    private static func text(_ override: Override) -> String {
        "\(override.amount)" + (override.untilMs.map { " until \($0 / 1000)" } ?? "")
    }

    // MARK: What there is

    /// A limit of the policy in force.
    private func limit(_ id: String) async throws -> Limit {
        let limits = try await policyInForce()?.limits ?? []
        guard let limit = limits.first(where: { $0.id == id }) else {
            throw AdminError(
                .notFound, "there is no limit \"\(id.prefix(60))\"",
                hint: limits.isEmpty
                    ? "no policy with a limit was applied" : "limits: \(limits.map(\.id).joined(separator: ", "))")
        }
        return limit
    }

    /// Whom the limit counts, of those it counts.
    private func subject(_ text: String, of limit: Limit) async throws -> Subject {
        let subject = try await subject(text)
        let isCounted =
            switch (limit.per, subject) {
            // A key without a user is a user of its own, and so is an anonymous caller's address.
            case (.user, .user), (.user, .key), (.user, .ip), (.key, .key), (.key, .ip), (.team, .team),
                (.group, .group), (.ip, .ip), (.product, .product), (.global, .global):
                true
            default: false
            }
        guard isCounted else {
            throw AdminError(
                .invalidField, "the limit \(limit.id) is per \(limit.per.rawValue), so it never counts \(subject.text)",
                hint: "use \(Self.form(limit.per))")
        }
        return subject
    }

    private func subject(_ text: String) async throws -> Subject {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, ["user", "group"].contains(parts[0]), Subject.isValidID(parts[1]) {
            return try await member(parts[1], isUser: parts[0] == "user")
        }
        guard let subject = Subject(text) else {
            throw AdminError(
                .invalidField, "\"\(text.prefix(80))\" is not a subject",
                hint: "use \(Limit.Per.allCases.map(Self.form).joined(separator: ", "))")
        }
        if case .product(let name) = subject {
            guard let product = try await policyInForce()?.product(named: name) else {
                throw AdminError(.invalidField, "there is no product \"\(name.prefix(60))\"")
            }
            return .product(product.name)
        }
        return subject
    }

    /// A user or group named without a team, if the keys know it in one team alone.
    private func member(_ id: String, isUser: Bool) async throws -> Subject {
        let kind = isUser ? "user" : "group"
        let keys = try await ledger.keys(team: nil)
        let teams = Set(
            keys.filter { isUser ? $0.record.user == id : $0.record.groups.contains(id) }.map(\.record.team)
        ).sorted()
        guard let team = teams.first else {
            throw AdminError(
                .invalidField, "no API key is of a \(kind) \(id)", hint: "name the team, too: \(kind):TEAM/\(id)")
        }
        guard teams.count == 1 else {
            throw AdminError(
                .invalidField, "the teams \(teams.joined(separator: ", ")) each have a \(kind) \(id)",
                hint: "name one: \(teams.map { "\(kind):\($0)/\(id)" }.joined(separator: " or "))")
        }
        return isUser ? .user(team: team, id: id) : .group(team: team, id: id)
    }

    private static func form(_ per: Limit.Per) -> String {
        switch per {
        case .user: "user:TEAM/USER"
        case .team: "team:TEAM"
        case .group: "group:TEAM/GROUP"
        case .key: "key:ID"
        case .ip: "ip:ADDRESS"
        case .product: "product:NAME"
        case .global: "global"
        }
    }
}
