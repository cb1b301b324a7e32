import Hummingbird
import WeirCore
import WeirEnforcer
import WeirLedger
import WeirRedis

extension Dashboard {
    /// Every limit of somebody: how much, where that comes from, what is used, held and left, and until when it lasts.
    func limitsTable(
        _ calls: [Call], _ filter: UsageFilter, _ visit: Visit, back: PageAddress, of isShown: (Limit) -> Bool
    ) async throws -> DataTable {
        var table = DataTable(
            "limits", "Limits",
            [
                .text("Limit", "limit"), .export("subject"), .number("Amount", "amount"),
                .text("From", "amount_source"), .number("Used", "used"), .number("Reserved", "reserved"),
                .number("Remaining", "remaining"), .export("unit"), .text("Resets (UTC)", "resets_at"),
                .text("At this rate", "projection"), .screen("Change"),
            ], whenEmpty: HTML("No limit of the policy in force counts these calls."))
        let lines: [Standing.Line]
        do {
            let explainer = Explainer(pool: publication.redis, logger: routes.logger)
            let situation = try await explainer.situation()
            lines = try await explainer.standing(of: calls, in: situation).filter { isShown($0.limit) }
        } catch {
            table.whenEmpty = HTML("What is used cannot be read now: \(error.reason). Reload the page in a moment.")
            return table
        }
        let now = visit.nowMs
        let overrides = Dictionary(
            try await ledger.overrides().filter { $0.isInForce(atMs: now) }.map {
                (OverrideName(limit: $0.limit, subject: $0.subject), $0)
            }
        ) { first, _ in first }
        let policy = try await routes.policyInForce()
        for line in lines {
            let name = OverrideName(limit: line.limit.id, subject: line.subject.text)
            table.rows.append(
                try await row(line, override: overrides[name], policy, filter, visit, back: back))
        }
        return table
    }

    private func row(
        _ line: Standing.Line, override: Override?, _ policy: Policy?, _ filter: UsageFilter, _ visit: Visit,
        back: PageAddress
    ) async throws -> [DataTable.Cell] {
        let unit = line.limit.unit
        var (used, reserved) = (line.used, line.reserved)
        if line.limit.enforce == .ledger, let policy, case .period(let period) = line.limit.span {
            let days = DayRange(period.containing(ms: visit.nowMs))
            let totals = try await ledger.totals(
                in: days, of: line.limit.match.selection(in: policy), team: filter.team, user: nil)
            (used, reserved) = (totals.amount(in: unit) ?? 0, 0)
        }
        let (spent, held) = (used ?? 0, reserved ?? 0)
        let remaining = line.amount == 0 ? nil : max(0, line.amount.addingSaturated(-spent.addingSaturated(held)))
        let projection = try await projection(line, used: spent.addingSaturated(held), policy, filter, visit)
        var resets: Int?
        if case .period = line.limit.span { resets = line.resetsAtMs }
        func number(_ units: Int) -> DataTable.Cell { unit == .usd ? .money(units) : .count(units) }
        return [
            .drawn(Self.name(line), line.limit.id), .text(line.subject.text),
            line.amount == 0
                ? .drawn(HTML("unlimited"), "unlimited")
                : number(line.amount),
            .drawn(Self.source(line, override), line.source.text), number(spent), number(held),
            remaining.map { left in
                .drawn(
                    el("span", text: Format.number(left, unit))
                        + LimitBar(used: spent, reserved: held, amount: line.amount).html,
                    unit == .usd ? MicroUSD(micros: left).description : String(left))
            } ?? .text(nil),
            .text(unit.rawValue),
            resets.map { .time($0) } ?? .text(Self.span(line.limit.span)),
            .drawn(projection.html, projection.text),
            .drawn(changeForm(line, override, visit, back: back), ""),
        ]
    }

    private static func name(_ line: Standing.Line) -> HTML {
        el("div", .css("wide")) {
            el("strong", text: line.limit.id)
            el("div") { el("small", text: "\(line.subject.text): \(scope(line.limit))") }
        }
    }

    /// Which calls it counts, over what.
    private static func scope(_ limit: Limit) -> String {
        let match = limit.match
        let parts =
            match.products + match.classes.map { "class \($0)" } + match.models
            + (match.resource.map { [$0] } ?? [])
        let calls = parts.isEmpty ? "all calls" : parts.joined(separator: ", ")
        let enforce = limit.enforce == .reserve ? "" : ", \(limit.enforce.rawValue)"
        return "\(calls), per \(limit.per.rawValue), \(span(limit.span))\(enforce)"
    }

    private static func span(_ span: Limit.Span) -> String {
        switch span {
        case .window(let ms): "any \(Format.span(seconds: ms / 1000))"
        case .period(let period): "a \(period.rawValue)"
        case .inFlight: "at once"
        }
    }

    private static func source(_ line: Standing.Line, _ override: Override?) -> HTML {
        switch line.source {
        case .default: return HTML("policy")
        case .group(let id): return HTML("group \(id)")
        case .override:
            guard let override else {
                return el("span", .css("tag warn"), text: "override") + HTML(" by hand, in Redis")
            }
            return el("div", .css("wide")) {
                el("span", .css("tag warn"), text: "override")
                " by \(override.actor)"
                if let untilMs = override.untilMs { " until \(Format.time(untilMs))" }
                if let reason = override.reason { ": \(reason)" }
            }
        }
    }

    // MARK: How long it lasts

    private func projection(
        _ line: Standing.Line, used: Int, _ policy: Policy?, _ filter: UsageFilter, _ visit: Visit
    ) async throws -> (html: HTML, text: String) {
        guard line.amount > 0, let policy, case .period(let period) = line.limit.span, let end = line.resetsAtMs,
            let subject = Self.subject(line.subject)
        else { return (el("span", .css("none"), text: "–"), "") }
        let days = Projection.recentDays(of: period, nowMs: visit.nowMs)
        let recent = try await ledger.totals(
            in: DayRange(first: days.first, last: days.last), of: line.limit.match.selection(in: policy),
            team: subject.team, user: subject.user)
        let projection = Projection(
            amount: line.amount, used: used, resetsAtMs: end, recentUnits: recent.amount(in: line.limit.unit) ?? 0,
            recentMs: visit.nowMs - days.first.startMs, nowMs: visit.nowMs)
        switch projection {
        case .exhausted: return (el("span", .css("tag bad"), text: "used up"), "exhausted")
        case .exhaustedAt(let ms):
            let text = "used up \(Format.time(ms).prefix(16))"
            return (el("span", .css("tag warn"), .at(.title, "At the rate of the last days, UTC"), text: text), text)
        case .lasts: return (el("span", .css("tag ok"), text: "lasts"), "lasts")
        case .unused: return (el("span", .css("none"), text: "unused lately"), "unused")
        }
    }

    /// Whose sums the ledger keeps by day: teams and users.
    private static func subject(_ subject: Subject) -> (team: String, user: String?)? {
        switch subject {
        case .team(let team): (team, nil)
        case .user(let team, let id): (team, id)
        default: nil
        }
    }

    // MARK: Overrides, in place

    private func changeForm(_ line: Standing.Line, _ override: Override?, _ visit: Visit, back: PageAddress) -> HTML {
        guard may(visit, .put, "overrides") else { return .empty }
        let unit = line.limit.unit == .usd ? "dollars" : line.limit.unit.rawValue
        return el("details") {
            el("summary") {
                "Change"
                el("span", .css("unseen"), text: " \(line.limit.id) of \(line.subject.text)")
            }
            PostForm(PageAddress(.override), visit.session).html {
                hidden(line, back)
                el("div", .css("field")) {
                    el("label") {
                        "Amount in \(unit), 0: unlimited"
                        void(
                            "input", .at(.name, "amount"), .at(.inputmode, "decimal"), .mark(.required),
                            .at(.autocomplete, "off"), .at(.pattern, "[0-9]+([.][0-9]+)?"))
                    }
                }
                el("div", .css("field")) {
                    el("label") {
                        "For"
                        el("select", .at(.name, "days")) {
                            el("option", .at(.value, ""), text: "good")
                            for days in [1, 7, 30] {
                                el("option", .at(.value, days), text: "\(days) day\(days == 1 ? "" : "s")")
                            }
                        }
                    }
                }
                el("div", .css("field")) {
                    el("label") {
                        "Reason"
                        void(
                            "input", .at(.name, "reason"), .at(.maxlength, 500), .mark(.required),
                            .at(.autocomplete, "off"))
                    }
                }
                el("button", .css("main small"), .at(.name, "act"), .at(.value, "set"), text: "Set")
            }
            if line.source == .override {
                PostForm(PageAddress(.override), visit.session).html {
                    hidden(line, back)
                    el(
                        "button", .css("small"), .at(.name, "act"), .at(.value, "remove"),
                        text: "Back to what the policy says")
                }
            }
        }
    }

    @HTMLBuilder private func hidden(_ line: Standing.Line, _ back: PageAddress) -> HTML {
        void("input", .at(.type, "hidden"), .at(.name, "limit"), .at(.value, line.limit.id))
        void("input", .at(.type, "hidden"), .at(.name, "subject"), .at(.value, line.subject.text))
        void("input", .at(.type, "hidden"), .at(.name, "back"), .at(.value, back.text))
    }

    func changeOverride(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        guard let limit = fields["limit"], let subject = fields["subject"] else {
            throw AdminError(.invalidField, "the limit or its subject is missing")
        }
        let back = fields["back"].flatMap { PageAddress($0) } ?? PageAddress(.overview)
        guard fields["act"] != "remove" else {
            _ = try await api.send(
                .delete, ["overrides", limit, subject], as: visit, answer: OverrideRemoved.self)
            return .done(back, .overrideRemoved)
        }
        let isMoney = try await routes.policyInForce()?.limits.first { $0.id == limit }?.unit == .usd
        let text = fields["amount"] ?? ""
        guard let amount = isMoney ? MicroUSD(text)?.micros : Int(text) else {
            throw AdminError(
                .invalidField, "\"\(text.prefix(40))\" is not an amount",
                hint: isMoney ? "dollars, such as 75 or 12.50" : "a whole number")
        }
        let days = fields["days"].flatMap { Int($0) }.map { min(max(1, $0), 3660) }
        let wanted = OverrideRequest(
            limit: limit, subject: subject, amount: amount, until: days.map { visit.nowMs / 1000 + $0 * 86_400 },
            reason: fields["reason"])
        _ = try await api.send(.put, ["overrides"], body: .json(wanted), as: visit, answer: OverrideDescription.self)
        return .done(back, .overrideSet)
    }
}
