import WeirCore
import WeirLedger
import WeirProviders

extension Dashboard {
    /// One call's whole story.
    func event(_ visit: Visit) async throws -> Page {
        let id = try required("id", visit)
        var known = try await ledger.event(id: id)
        // A correction is told with its call.
        if let corrected = known?.event.corrects { known = try await ledger.event(id: corrected) }
        guard let event = known?.event.event, let corrections = known?.corrections.map(\.event) else {
            throw AdminError(
                .notFound, "the ledger has no call \(id.prefix(60))",
                hint: "a call is here once it has ended, a few seconds later")
        }
        var page = Page(event.id, .events, PageAddress(.event, ["id": event.id]))
        page.addHeading("Call")
        page.add(Self.story(event, corrections))
        page.add(
            el("div", .css("pair")) {
                Self.card("Who", Self.who(event))
                Self.card("What", Self.what(event))
            })
        page.add(try await heldTable(event))
        page.add(Self.tokenTable(event))
        page.add(Self.costTable(event, corrections))
        let rest = event.extra.filter { $0.key != UsageEvent.reserved }.sorted { $0.key < $1.key }
        if !rest.isEmpty { page.add(Self.card("Noted with it", rest.map { ($0.key, HTML($0.value)) })) }
        return page
    }

    /// In sentences.
    private static func story(_ event: UsageEvent, _ corrections: [UsageEvent]) -> HTML {
        let cost = corrections.reduce(event.cost) { $0 + $1.cost }
        let asked =
            event.model == event.requestedModel
            ? "" : " in place of \(event.requestedModel), which was asked for"
        return el("div", .css("card")) {
            el("p") {
                "\(Format.time(event.calledAtMs)): "
                el("strong", text: event.user ?? "a key of \(event.team)")
                " of team "
                el("a", .href(PageAddress(.team, ["team": event.team])), text: event.team)
                " was admitted through \(event.product) and served by \(event.model)\(asked). "
                outcome(event)
            }
            el("p") {
                "It took \(Format.count(event.latencyMs)) ms, used \(Format.count(event.tokens.total)) tokens and cost "
                el("strong", text: Format.exactMoney(cost.micros))
                event.isModelKnown ? "." : "; the model had no price of its own."
            }
        }
    }

    private static func outcome(_ event: UsageEvent) -> String {
        let status = event.status == 0 ? "" : " The client was answered \(event.status)."
        return switch event.outcome {
        case .completed: "The answer was complete.\(status)"
        case .clientGone: "The client hung up before the end; what was made until then is charged.\(status)"
        case .providerError: "The provider answered with an error.\(status)"
        case .providerCut: "The provider's answer broke off; what was seen of it is charged.\(status)"
        case .providerTimeout: "The provider fell silent; what was seen is charged.\(status)"
        case .nodeStopped: "The gateway was stopped and ended the call itself.\(status)"
        case .orphaned: "Its gateway died; it is charged what was last observed.\(status)"
        }
    }

    private static func card(_ title: String, _ items: [(String, HTML)]) -> HTML {
        el("section", .css("card")) {
            el("h2", text: title)
            el("dl", .css("facts")) {
                for (name, value) in items {
                    el("div") {
                        el("dt", text: name)
                        el("dd") { value }
                    }
                }
            }
        }
    }

    private static func who(_ event: UsageEvent) -> [(String, HTML)] {
        let user = event.user.map { user in
            el("a", .href(PageAddress(.user, ["team": event.team, "user": user])), text: user)
        }
        return [
            ("Team", el("a", .href(PageAddress(.team, ["team": event.team])), text: event.team)),
            ("User", user ?? HTML("–")), ("API key", HTML(event.key ?? "–")), ("Role", HTML(event.role ?? "–")),
            ("Task", HTML(event.task ?? "–")), ("Session", HTML(event.session ?? "–")),
            ("Request id", HTML(event.request ?? "–")),
        ]
    }

    private static func what(_ event: UsageEvent) -> [(String, HTML)] {
        [
            ("Product", HTML(event.product + (event.billable ? ", billable" : ""))), ("Class", HTML(event.callClass)),
            ("Provider", HTML(event.provider)), ("Endpoint", HTML(event.endpoint)),
            ("Asked for", HTML(event.requestedModel)), ("Served by", HTML(event.model)),
            ("Outcome", HTML(event.outcome.rawValue)), ("Status", HTML(event.status == 0 ? "none" : "\(event.status)")),
            ("First tool", HTML(event.toolUsed ?? "–")), ("Prompt version", HTML(event.promptVersion ?? "–")),
        ]
    }

    /// What it held while it ran, and what was charged in its place.
    private func heldTable(_ event: UsageEvent) async throws -> DataTable {
        var table = DataTable(
            "held", "What was reserved, by which limits",
            [
                .text("Limit", "limit"), .number("Reserved", "reserved"), .number("Charged", "charged"),
                .text("Unit", "unit"),
            ],
            whenEmpty: HTML(
                "Nothing is known of it: no limit covered the call, it was admitted without Redis, or it was made through "
                    + "the decision API."))
        let limits = Dictionary(
            try await routes.policyInForce()?.limits.map { ($0.id, $0) } ?? []
        ) { first, _ in first }
        let used = UsageTotals(event)
        for word in (event.extra[UsageEvent.reserved] ?? "").split(separator: " ") {
            let parts = word.split(separator: "=")
            guard parts.count == 2, let held = Int(parts[1]) else { continue }
            let limit = limits[String(parts[0])]
            let unit = limit?.unit
            func number(_ units: Int) -> DataTable.Cell { unit == .usd ? .money(units) : .count(units) }
            table.rows.append([
                .text(String(parts[0])), number(held),
                unit.flatMap { used.amount(in: $0) }.map(number) ?? .text(nil),
                .text(unit?.rawValue ?? "the policy no longer has it"),
            ])
        }
        return table
    }

    private static func tokenTable(_ event: UsageEvent) -> DataTable {
        var table = DataTable(
            "tokens", "Tokens", [.text("Kind", "kind"), .number("Tokens", "tokens")], whenEmpty: HTML("None."))
        let tokens = event.tokens
        table.rows = [
            ("input, fresh", tokens.input), ("cache, read", tokens.cacheRead),
            ("cache, written for 5 minutes", tokens.cacheWrite5m), ("cache, written for an hour", tokens.cacheWrite1h),
            ("output", tokens.output), ("of it reasoning", tokens.reasoning),
        ].filter { $0.1 > 0 }.map { [.text($0.0), .count($0.1)] }
        return table
    }

    private static func costTable(_ event: UsageEvent, _ corrections: [UsageEvent]) -> DataTable {
        var table = DataTable(
            "cost", "What it cost",
            [.text("What", "what"), .text("Prices", "price_version"), .number("Cost", "cost_usd")],
            whenEmpty: HTML("Nothing."))
        func exact(_ micros: Int) -> DataTable.Cell {
            .drawn(HTML(Format.exactMoney(micros)), MicroUSD(micros: micros).description)
        }
        table.rows = [[.text("charged when it ended"), .text(event.priceVersion), exact(event.cost.micros)]]
        for correction in corrections {
            table.rows.append([
                .text("corrected by repricing"), .text(correction.priceVersion), exact(correction.cost.micros),
            ])
        }
        if !corrections.isEmpty {
            let total = corrections.reduce(event.cost) { $0 + $1.cost }
            table.rows.append([.text("in all"), .text(nil), exact(total.micros)])
        }
        return table
    }
}
