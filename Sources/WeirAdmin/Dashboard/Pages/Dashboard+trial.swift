import Hummingbird
import WeirCore
import WeirLedger

extension Dashboard {
    /// What became of a policy's trial, or how far it is.
    func job(_ visit: Visit) async throws -> Page {
        let id = try required("id", visit)
        guard let trial = jobs.job(id, of: visit.session.actor) else {
            throw AdminError(.notFound, "this trial is no longer kept", hint: "try the policy again")
        }
        var page = Page("A policy, tried", .policy, PageAddress(.job, ["id": id]))
        page.addHeading()
        let current = try await ledger.currentPolicy()
        let changes = try current.map { try PolicyChanges(from: $0.policy, to: trial.policy) }
        page.add(
            el("section", .css("card")) {
                if let current, let changes {
                    el("h2", text: "What would change from version \(current.version)")
                    changes.html
                } else {
                    el("p", text: "No policy was applied yet: all of it is new.")
                }
            })
        switch trial.state {
        case .running(let progress):
            page.refreshSeconds = 2
            page.add(progressCard(progress, id))
        case .failed(let error): page.add(ProblemBox(error).html)
        case .finished(let answer):
            add(answer, to: &page)
            page.add(applyForm(trial, over: current?.version ?? 0, visit))
        }
        return page
    }

    private func progressCard(_ progress: PolicyTrial.Progress, _ id: String) -> HTML {
        el("section", .css("card"), .at(.dataLive, PageAddress(.live, ["job": id]).text)) {
            el("h2", text: "Being tried on past calls")
            progress.total > 0
                ? el(
                    "progress", .at(.dataProgress, ""), .at(.max, progress.total),
                    .at(.value, min(progress.done, progress.total)), .at(.ariaLabel, "Progress"), text: progress.text)
                : el("progress", .at(.dataProgress, ""), .at(.ariaLabel, "Progress"), text: progress.text)
            el("p", .at(.id, "progress-text"), .at(.role, "status"), text: progress.text)
            el("noscript") { el("p", text: "The page looks again every two seconds.") }
        }
    }

    private func add(_ answer: SimulationAnswer, to page: inout Page) {
        let total = answer.total
        page.add(
            el("div", .css("tiles")) {
                for (name, big, small) in [
                    (
                        "Calls from \(answer.from) to \(answer.to)", Format.count(total.calls),
                        "as they were made"
                    ),
                    ("Would be denied", Format.count(total.denied), "by a limit or a rule"),
                    ("Would be served by another model", Format.count(total.downgraded), "down the ladder"),
                    ("Would have an answer cut short", Format.count(total.shortened), "by clamp"),
                    (
                        "Would cost", Format.money(total.wouldCostMicros),
                        "instead of \(Format.money(total.costMicros))"
                    ),
                ] {
                    el("section", .css("tile")) {
                        el("h2", text: name)
                        el("p", .css("big"), text: big)
                        el("p", text: small)
                    }
                }
            })
        var denials = DataTable(
            "trial-denials", "Would be denied",
            [
                .text("Reason", "reason"), .text("Limit", "limit"), .number("Calls", "calls"),
                .text("First (UTC)", "first_at"), .text("Last (UTC)", "last_at"),
            ], whenEmpty: HTML("Nothing would be denied."))
        denials.rows = answer.denials.map { row in
            [.text(row.reason), .text(row.limit), .count(row.calls), .text(row.firstAt), .text(row.lastAt)]
        }
        page.add(denials)
        let people = [
            ("teams", "Teams", answer.teams), ("users", "Users", answer.users), ("models", "Models", answer.models),
        ]
        var tables: [HTML] = []
        for (id, title, rows) in people where !rows.isEmpty {
            tables.append(page.show(Self.changeTable("trial-\(id)", "\(title) that it changes most", rows)))
        }
        page.add(el("div", .css("pair")) { for table in tables { table } })
    }

    private static func changeTable(_ id: String, _ caption: String, _ rows: [SimulatedUsage]) -> DataTable {
        var table = DataTable(
            id, caption,
            [
                .text("Name", "name"), .number("Calls", "calls"), .number("Denied", "denied"),
                .number("Other model", "downgraded"), .number("Cost", "cost_usd"),
                .number("Would cost", "would_cost_usd"),
            ], whenEmpty: HTML("Nobody."))
        table.rows = rows.map { row in
            [
                .text(row.name), .count(row.calls), .count(row.denied), .count(row.downgraded),
                .money(row.costMicros), .money(row.wouldCostMicros),
            ]
        }
        return table
    }

    private func applyForm(_ trial: PolicyTrial, over version: Int, _ visit: Visit) -> HTML {
        guard may(visit, .put, "policy") else {
            return el("p", .css("muted"), text: "Applying it takes the role admin.")
        }
        return el("section", .css("card narrow")) {
            el("h2", text: "Apply it")
            PostForm(PageAddress(.policy), visit.session).html {
                void("input", .at(.type, "hidden"), .at(.name, "job"), .at(.value, trial.id))
                void("input", .at(.type, "hidden"), .at(.name, "over"), .at(.value, "\(version)"))
                el("div", .css("field")) {
                    el("label") {
                        "Note, for the list of versions"
                        void("input", .at(.name, "note"), .at(.maxlength, 500), .at(.autocomplete, "off"))
                    }
                }
                el("button", .css("main"), text: "Apply as version \(version + 1)")
            }
        }
    }
}
