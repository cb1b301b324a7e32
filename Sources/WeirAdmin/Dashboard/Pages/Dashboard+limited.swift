import Hummingbird
import WeirCore
import WeirLedger
import WeirRedis

extension Dashboard {
    func limited(_ visit: Visit) async throws -> Page {
        var page = Page("Limited teams", .limited, PageAddress(.limited))
        page.addHeading {
            el(
                "p", .css("muted"),
                text: "They may not spend the resource until then; each node has it within a second.")
        }
        page.add(try await limitedTable(visit))
        if may(visit, .put, "limited/{resource}/{team}") { page.add(try await limitForm(nil, visit)) }
        return page
    }

    /// The teams that are limited now: why, and until when.
    func limitedTable(_ visit: Visit, team: String? = nil, atMost: Int? = nil) async throws -> DataTable {
        var table = DataTable(
            "limited", "Limited teams",
            [
                .text("Team", "team"), .text("Resource", "resource"), .text("Reason", "reason"),
                .text("Until (UTC)", "until"), .screen("Act"),
            ], whenEmpty: HTML("No team is limited: everybody may spend."))
        let teams: [LimitedTeam]
        let own: [String: String]
        do {
            teams = try await limitedTeams(team, atMost: visit.isExport ? 10_000 : atMost ?? 500)
            own = try await publication.limitedByLedger()
        } catch let error as RedisError {
            table.whenEmpty = HTML("The limited set cannot be read now: \(error). Reload the page in a moment.")
            return table
        }
        let reasons = try await LimitReasons(
            ledger: ledger, policy: routes.policyInForce(), ownLimits: own, nowMs: visit.nowMs)
        for entry in teams {
            table.rows.append([
                .text(entry.team, link: PageAddress(.team, ["team": entry.team])), .text(entry.resource),
                .text(try await reasons.reason(entry)),
                entry.until.map { .time($0.multipliedSaturated(by: 1000)) } ?? .text("without end"),
                .drawn(releaseForm(entry, visit), ""),
            ])
        }
        return table
    }

    /// Those of all resources, longest first within each.
    private func limitedTeams(_ team: String?, atMost: Int) async throws -> [LimitedTeam] {
        let nowMs = try await publication.nowMs()
        var teams: [LimitedTeam] = []
        for resource in try await routes.policyInForce()?.resources ?? [] {
            guard let team else {
                teams += try await publication.limited(resource: resource, nowMs: nowMs, count: atMost - teams.count)
                continue
            }
            if let limited = try await publication.limited(team: team, resource: resource, nowMs: nowMs) {
                teams.append(limited)
            }
        }
        return teams
    }

    private func releaseForm(_ entry: LimitedTeam, _ visit: Visit) -> HTML {
        guard may(visit, .delete, "limited/{resource}/{team}") else { return .empty }
        return PostForm(PageAddress(.limited), visit.session).html {
            void("input", .at(.type, "hidden"), .at(.name, "team"), .at(.value, entry.team))
            void("input", .at(.type, "hidden"), .at(.name, "resource"), .at(.value, entry.resource))
            el("button", .css("small"), .at(.name, "act"), .at(.value, "remove")) {
                "Let go on"
                el("span", .css("unseen"), text: ": \(entry.team), \(entry.resource)")
            }
        }
    }

    func limitForm(_ team: String?, _ visit: Visit) async throws -> HTML {
        let resources = try await routes.policyInForce()?.resources ?? []
        guard !resources.isEmpty else { return .empty }
        return el("details", .css("card")) {
            el("summary", text: team.map { "Limit \($0) by hand…" } ?? "Limit a team by hand…")
            PostForm(PageAddress(.limited), visit.session).html {
                el("div", .css("fields")) {
                    if let team {
                        void("input", .at(.type, "hidden"), .at(.name, "team"), .at(.value, team))
                    } else {
                        el("label") {
                            "Team"
                            void("input", .at(.name, "team"), .mark(.required), .at(.autocomplete, "off"))
                        }
                    }
                    el("label") {
                        "Resource"
                        el("select", .at(.name, "resource")) { for name in resources { el("option", text: name) } }
                    }
                    el("label") {
                        "For"
                        el("select", .at(.name, "hours")) {
                            for (hours, text) in [(1, "an hour"), (24, "a day"), (168, "a week"), (720, "30 days")] {
                                el("option", .at(.value, hours), text: text)
                            }
                        }
                    }
                    el("label") {
                        "Reason"
                        void(
                            "input", .at(.name, "reason"), .mark(.required), .at(.maxlength, 500),
                            .at(.autocomplete, "off"))
                    }
                    el("div") { el("button", .css("danger"), .at(.name, "act"), .at(.value, "add"), text: "Limit") }
                }
            }
        }
    }

    func changeLimited(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        guard let team = fields["team"], let resource = fields["resource"] else {
            throw AdminError(.invalidField, "the team or the resource is missing")
        }
        guard fields["act"] == "add" else {
            _ = try await api.send(.delete, ["limited", resource, team], as: visit, answer: Removed.self)
            return .done(PageAddress(.limited), .limitedRemoved)
        }
        let hours = fields["hours"].flatMap { Int($0) }.map { min(max(1, $0), 8760) } ?? 1
        let wanted = LimitedRequest(until: visit.nowMs / 1000 + hours * 3600, reason: fields["reason"])
        _ = try await api.send(
            .put, ["limited", resource, team], body: .json(wanted), as: visit, answer: LimitedTeam.self)
        return .done(PageAddress(.limited), .limitedAdded)
    }
}

/// Why teams are limited: by the ledger's sums, or by whom and with which words.
struct LimitReasons: Sendable {
    private let ledger: any AdminLedger
    private let policy: Policy?
    /// What the aggregator set: `<resource>/<team>` → `<until_s> <amount> <previous_s>`.
    private let ownLimits: [String: String]
    private let nowMs: Int
    /// What operators have said lately, newest first.
    private let audit: [AuditEntry]

    init(ledger: any AdminLedger, policy: Policy?, ownLimits: [String: String], nowMs: Int) async throws {
        self.ledger = ledger
        self.policy = policy
        self.ownLimits = ownLimits
        self.nowMs = nowMs
        audit = try await ledger.audit(limit: 1000).filter { $0.action == "limited.add" }
    }

    func reason(_ entry: LimitedTeam) async throws -> String {
        let place = "\(entry.resource)/\(entry.team)"
        let words = (ownLimits[place] ?? "").split(separator: " ").compactMap { Int($0) }
        if words.count == 3, words[0] == entry.until { return try await byLedger(entry, amount: words[1]) }
        guard
            let line = audit.first(where: { $0.subject == place && $0.after == entry.until.map { String($0) } })
        else { return "set by hand in Redis" }
        return "by \(line.actor)" + (line.reason.map { ": \($0)" } ?? "")
    }

    private func byLedger(_ entry: LimitedTeam, amount: Int) async throws -> String {
        guard let policy,
            let limit = policy.limits.first(where: { $0.enforce == .ledger && $0.match.resource == entry.resource }),
            case .period(let period) = limit.span
        else { return "by the ledger" }
        let used =
            try await ledger.totals(
                in: DayRange(period.containing(ms: nowMs)), of: limit.match.selection(in: policy), team: entry.team,
                user: nil
            ).amount(in: limit.unit) ?? 0
        return "\(limit.id): \(Format.number(used, limit.unit)) of \(Format.amount(amount, limit.unit)) "
            + "a \(period.rawValue) are used up"
    }
}
