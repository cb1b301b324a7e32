import Hummingbird
import WeirCore
import WeirEnforcer
import WeirLedger

extension Dashboard {
    private static let versionsShown = 100

    func policy(_ visit: Visit) async throws -> Page {
        var page = Page("Policy", .policy, PageAddress(.policy))
        page.addHeading {
            el("a", .css("button main"), .href(PageAddress(.policyTry)), text: "Try a new policy…")
        }
        guard let current = try await ledger.currentPolicy() else {
            page.add(
                el("div", .css("empty")) {
                    el("p") {
                        "No policy was applied yet, so nothing is limited and gateways admit nothing. Try one here, or: "
                        el("code", text: "weir policy apply deploy/policy.yaml")
                    }
                })
            return page
        }
        page.add(
            el("section", .css("card")) {
                el("h2", text: "In force: version \(current.version)")
                el("p", .css("muted")) { Self.applied(current) }
                el("dl", .css("facts")) {
                    for (name, text) in Self.facts(current.policy) {
                        el("div") {
                            el("dt", text: name)
                            el("dd", text: text)
                        }
                    }
                }
            })
        page.add(Self.limitTable(current.policy))
        page.add(
            el("details", .css("card")) {
                el("summary", text: "The file, as it was applied")
                el("pre", .css("code"), .at(.tabindex, 0)) { el("code", text: current.yaml) }
            })
        let versions = try await ledger.policies(limit: visit.isExport ? 1000 : Self.versionsShown)
        var table = DataTable(
            "policy-versions", "Versions",
            [
                .number("Version", "version"), .text("Applied (UTC)", "applied_at"), .text("By", "actor"),
                .text("Note", "note"), .screen("What changed"),
            ], whenEmpty: HTML("No policy was applied yet."))
        table.rows = versions.map { version in
            [
                .count(version.version), .time(version.appliedAtMs), .text(version.actor), .text(version.note),
                .drawn(
                    el(
                        "a", .href(PageAddress(.policyVersion, ["version": "\(version.version)"])),
                        text: "Version \(version.version)"), ""),
            ]
        }
        page.add(table)
        return page
    }

    private static func applied(_ version: PolicyVersion) -> String {
        "Applied \(Format.time(version.appliedAtMs)) by \(version.actor)"
            + (version.note.isEmpty ? "." : ": \(version.note)")
    }

    private static func facts(_ policy: Policy) -> [(String, String)] {
        let outage = policy.outage.openForMs == 0 || policy.outage.allowance.micros == 0
        return [
            ("Products", policy.products.keys.sorted().joined(separator: ", ")),
            ("Classes", policy.classes.keys.sorted().joined(separator: ", ")),
            ("Ladder", policy.ladder.isEmpty ? "none" : policy.ladder.map(\.model).joined(separator: " → ")),
            ("Cost guard", policy.costGuard.map(text) ?? "none"),
            ("Models without a price", policy.unpricedModels.rawValue),
            (
                "While Redis is away",
                outage
                    ? "nothing is admitted"
                    : "\(Format.money(policy.outage.allowance.micros)) per node, "
                        + Format.span(seconds: policy.outage.openForMs / 1000)
            ),
        ]
    }

    private static func text(_ costGuard: Policy.CostGuard) -> String {
        let acts = [("warns at ", costGuard.warn), ("stops at ", costGuard.kill)].compactMap { word, amount in
            amount.map { word + Format.money($0.micros) }
        }
        return acts.joined(separator: ", ") + " a \(costGuard.period.rawValue)"
    }

    private static func limitTable(_ policy: Policy) -> DataTable {
        var table = DataTable(
            "policy-limits", "Limits of the policy",
            [
                .text("Limit", "id"), .text("Per", "per"), .number("Amount", "amount"), .text("Unit", "unit"),
                .text("Over", "span"), .text("Groups", "groups"), .text("Enforced", "enforce"),
            ], whenEmpty: HTML("The policy has no limit: everything that products and keys allow is admitted."))
        table.rows = policy.limits.map { limit in
            let span =
                switch limit.span {
                case .window(let ms): "any \(Format.span(seconds: ms / 1000))"
                case .period(let period): "a \(period.rawValue)"
                case .inFlight: "at once"
                }
            let groups = limit.groupAmounts.sorted { $0.key < $1.key }
                .map { "\($0.key) \(Format.number($0.value, limit.unit))" }.joined(separator: ", ")
            return [
                .text(limit.id), .text(limit.per.rawValue),
                limit.amount == 0
                    ? .text("unlimited") : limit.unit == .usd ? .money(limit.amount) : .count(limit.amount),
                .text(limit.unit.rawValue), .text(span), .text(groups.isEmpty ? nil : groups),
                .text(limit.enforce.rawValue),
            ]
        }
        return table
    }

    // MARK: One version

    func policyVersion(_ visit: Visit) async throws -> Page {
        guard let number = visit.query["version"].flatMap({ Int($0) }),
            let version = try await ledger.policy(version: number)
        else { throw AdminError(.notFound, "there is no such version of the policy") }
        let other = try await ledger.policy(version: visit.query["against"].flatMap { Int($0) } ?? number - 1)
        var page = Page(
            "Version \(number)", .policy,
            PageAddress(.policyVersion, ["version": "\(number)", "against": visit.query["against"]]))
        page.addHeading("Policy")
        page.add(el("p", .css("muted")) { Self.applied(version) })
        let changes = try other.map { try PolicyChanges(from: $0.policy, to: version.policy) }
        page.add(
            el("section", .css("card")) {
                if let other, let changes {
                    el("h2", text: "What changed since version \(other.version)")
                    changes.html
                } else {
                    el("p", text: "It is the first version: there is nothing to compare it with.")
                }
            })
        page.add(
            el("form", .at(.method, "get"), .action(PageAddress(.policyVersion)), .css("card")) {
                void("input", .at(.type, "hidden"), .at(.name, "version"), .at(.value, "\(number)"))
                el("div", .css("fields")) {
                    el("label") {
                        "Compare with version"
                        void(
                            "input", .at(.type, "number"), .at(.name, "against"), .at(.min, 1),
                            .at(.value, other.map { "\($0.version)" } ?? ""))
                    }
                    el("div") { el("button", text: "Compare") }
                }
            })
        page.add(
            el("section") {
                el("h2", text: "The file")
                el("pre", .css("code"), .at(.tabindex, 0)) { el("code", text: version.yaml) }
            })
        return page
    }

    // MARK: A new one: checked, compared, tried, and then applied

    func policyForm(_ visit: Visit) async throws -> Page {
        trialForm(visit, yaml: try await ledger.currentPolicy()?.yaml ?? "", days: 7, problem: nil)
    }

    private func trialForm(_ visit: Visit, yaml: String, days: Int, problem: AdminError?) -> Page {
        var page = Page("Try a policy", .policy, PageAddress(.policyTry))
        if let problem { page.status = problem.code.status.code }
        page.addHeading {
            el("p", .css("muted"), text: "It is checked, compared and tried on past calls. Nothing is applied by this.")
        }
        if let problem { page.add(ProblemBox(problem).html) }
        page.add(
            el("div", .css("card")) {
                PostForm(PageAddress(.policyTry), visit.session).html {
                    el("div", .css("field")) {
                        el("label", .at(.for, "yaml"), text: "Policy (YAML)")
                        // A line end right after the tag would be swallowed, so there is one that may be.
                        el(
                            "textarea", .at(.id, "yaml"), .at(.name, "yaml"), .mark(.required), .at(.rows, 24),
                            .at(.autocomplete, "off"), text: "\n" + yaml)
                    }
                    el("div", .css("fields")) {
                        el("label") {
                            "On the calls of the last days"
                            void(
                                "input", .at(.type, "number"), .at(.name, "days"), .at(.min, 1), .at(.max, 366),
                                .at(.value, "\(days)"))
                        }
                        el("div") { el("button", .css("main"), text: "Check and try") }
                    }
                }
            })
        return page
    }

    func tryPolicy(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        let yaml = (fields.whole("yaml") ?? "").replacing("\r\n", with: "\n")
        let days = fields["days"].flatMap { Int($0) }.map { min(max(1, $0), 366) } ?? 7
        let policy: Policy
        do {
            _ = try await api.send(
                .post, ["policy", "check"], query: [("name", "policy.yaml")], body: .yaml(yaml), as: visit,
                answer: PolicyChecked.self)
            policy = try PolicyFile.read(text: yaml, name: "policy.yaml")
        } catch let error as AdminError where error.code == .invalidPolicy {
            return .page(trialForm(visit, yaml: yaml, days: days, problem: error))
        }
        let trial = PolicyTrial(
            id: SessionStore.random(), owner: visit.session.actor.name, yaml: yaml, policy: policy, days: days)
        guard jobs.begin(trial, { await run($0) }) else {
            throw AdminError(
                .redisUnavailable, "\(JobStore.mostRunning) policies are being tried already",
                hint: "wait for one to end")
        }
        return .done(PageAddress(.job, ["id": trial.id]), nil)
    }

    private func run(_ trial: PolicyTrial) async {
        do {
            let now = routes.nowMs()
            let today = UTCDay(containingMs: now)
            let replay = LedgerReplay(
                ledger: ledger, policy: trial.policy, prices: try await routes.pricesToday(),
                days: DayRange(first: UTCDay(number: today.number - trial.days + 1), last: today), team: nil, nowMs: now
            )
            let tally = try await replay.run { trial.become(.running(.init(done: $0, total: $1))) }
            trial.become(.finished(SimulationAnswer(replay, tally)))
        } catch let error as EnforcerError {
            trial.become(.failed(AdminError(.invalidField, "no gateway could obey this policy: \(error.reason)")))
        } catch {
            trial.become(.failed(told(error)))
        }
    }

    func applyPolicy(_ visit: Visit, _ fields: FormFields) async throws -> Outcome {
        guard let trial = fields["job"].flatMap({ jobs.job($0, of: visit.session.actor) }) else {
            throw AdminError(.notFound, "this trial is no longer kept", hint: "try the policy again, then apply it")
        }
        let current = try await ledger.currentPolicy()?.version ?? 0
        guard fields["over"].flatMap({ Int($0) }) == current else {
            throw AdminError(
                .invalidField, "another version was applied meanwhile: \(current)",
                hint: "try the policy again, so that it is compared with that one")
        }
        _ = try await api.send(
            .put, ["policy"], query: [("name", "policy.yaml"), ("note", fields["note"] ?? "")],
            body: .yaml(trial.yaml), as: visit, answer: PolicyAnswer.self)
        return .done(PageAddress(.policy), .policyApplied)
    }
}

/// What changes from one policy to another, item by item.
struct PolicyChanges: Sendable {
    let diff: PolicyDiff

    init(from old: Policy, to new: Policy) throws { diff = try PolicyDiff(from: old, to: new) }

    var html: HTML {
        guard !diff.isEmpty else { return el("p", text: "Nothing: both say the same.") }
        return el("ul", .css("diff")) {
            for change in diff.changes {
                el("li") {
                    el("span", .css(Self.tag(change.kind)), text: change.kind.rawValue)
                    " \(change.item) "
                    el("strong", text: change.name ?? "")
                    el("dl") {
                        for field in change.fields {
                            el("dt", text: field.name)
                            el("dd") {
                                if let old = field.old { el("del", text: old) }
                                if field.old != nil, field.new != nil { " → " }
                                if let new = field.new { el("ins", text: new) }
                            }
                        }
                    }
                }
            }
        }
    }

    private static func tag(_ kind: PolicyDiff.Change.Kind) -> String {
        switch kind {
        case .added: "tag ok"
        case .removed: "tag bad"
        case .changed: "tag warn"
        }
    }
}
