import Hummingbird
import NIOCore
import WeirCore
import WeirLedger

extension Dashboard {
    private static let eventsShown = 50

    func events(_ visit: Visit) async throws -> Page {
        let question = try EventQuestion(visit, .events)
        var page = Page("Events", .events, question.address)
        page.addHeading {
            el("p", .css("muted"), text: "Calls that reached a provider, newest first. Denials are counted by team.")
        }
        page.add(Self.eventForm(question))
        let found = try await ledger.calls(question.search, limit: Self.eventsShown + 1)
        let shown = Array(found.prefix(Self.eventsShown))
        var table = Self.eventTable(shown, id: "events", caption: "Calls")
        table.isExportedHere = false
        page.add(table)
        page.add(
            el("p", .css("paging")) {
                if found.count > shown.count, let last = shown.last {
                    el("a", .href(question.address.with("after", EventQuestion.after(last))), text: "Older →")
                }
                if visit.query["after"] != nil { el("a", .href(question.address), text: "Newest") }
            })
        if !shown.isEmpty { page.add(try await exportLinks(question)) }
        return page
    }

    /// All that match, not only this page of them, with about how many there are.
    private func exportLinks(_ question: EventQuestion) async throws -> HTML {
        let search = question.search
        let total = try await ledger.totals(
            in: DayRange(first: question.from, last: question.to),
            of: CallSelection(
                products: search.product.map { [$0] }, models: search.model.map { [$0] }),
            team: search.team, user: search.user
        ).calls
        let isExact = search.key == nil && search.outcome == nil
        return el("p", .css("exports")) {
            "Export all that match: "
            for form in DataTable.Form.allCases {
                el(
                    "a", .href(PageAddress(.export, query: question.address.query).with("as", form.rawValue)),
                    .at(.dataExport, "weir-events.\(form.rawValue)"), .at(.download, "weir-events.\(form.rawValue)"),
                    .at(.dataRows, isExact ? total : 0), text: form.rawValue.uppercased())
                " "
            }
            el("span", .at(.id, "export-text"), .at(.role, "status")) { .empty }
        }
    }

    private static func eventForm(_ question: EventQuestion) -> HTML {
        let search = question.search
        let values = [
            "team": search.team, "user": search.user, "key": search.key, "product": search.product,
            "model": search.model,
        ]
        return el("form", .at(.method, "get"), .action(PageAddress(.events)), .at(.role, "search"), .css("card")) {
            el("div", .css("fields")) {
                for field in EventQuestion.fields {
                    el("label") {
                        field.label
                        void(
                            "input", .at(.name, field.name), .at(.value, (values[field.name] ?? nil) ?? ""),
                            .at(.autocomplete, "off"))
                    }
                }
                el("label") {
                    "Outcome"
                    el("select", .at(.name, "outcome")) {
                        el("option", .at(.value, ""), text: "any")
                        for outcome in UsageEvent.Outcome.allCases {
                            outcome.rawValue == search.outcome
                                ? el("option", .mark(.selected), text: outcome.rawValue)
                                : el("option", text: outcome.rawValue)
                        }
                    }
                }
                for (name, label, day) in [
                    ("from", "From (UTC day)", question.from), ("to", "To (UTC day)", question.to),
                ] {
                    el("label") {
                        label
                        void("input", .at(.type, "date"), .at(.name, name), .at(.value, day.id))
                    }
                }
                el("div") { el("button", .css("main"), text: "Search") }
            }
        }
    }

    static let eventColumns: [DataTable.Column] = [
        .text("Called (UTC)", "called_at"), .text("Team", "team"), .text("User", "user"), .text("Product", "product"),
        .text("Model", "model"), .text("Outcome", "outcome"), .number("Tokens", "tokens"), .number("Cost", "cost_usd"),
        .number("ms", "latency_ms"), .text("Event", "id"),
    ]

    static func eventTable(_ events: [UsageEvent], id: String, caption: String) -> DataTable {
        var table = DataTable(
            id, caption, eventColumns,
            whenEmpty: HTML("No call matches. Ask for more days, or fewer fields."))
        table.rows = events.map(eventRow)
        return table
    }

    private static func eventRow(_ event: UsageEvent) -> [DataTable.Cell] {
        let isGood = event.outcome == .completed && event.isOK
        let model =
            event.model == event.requestedModel
            ? HTML(event.model)
            : HTML(event.model) + el("div") { el("small", text: "asked for: \(event.requestedModel)") }
        return [
            .time(event.calledAtMs), .text(event.team, link: PageAddress(.team, ["team": event.team])),
            .text(event.user, link: event.user.map { PageAddress(.user, ["team": event.team, "user": $0]) }),
            .text(event.product), .drawn(model, event.model),
            .drawn(
                el("span", .css(isGood ? "tag ok" : "tag warn"), text: event.outcome.rawValue), event.outcome.rawValue),
            .count(event.tokens.total), .money(event.cost.micros), .count(event.latencyMs),
            .drawn(
                el("a", .href(PageAddress(.event, ["id": event.id])), .css("mono")) {
                    "…\(event.id.suffix(6))"
                    el("span", .css("unseen"), text: " story of the call \(event.id)")
                }, event.id),
        ]
    }

    func recentEvents(_ filter: UsageFilter, _ visit: Visit) async throws -> DataTable {
        let search = CallSearch(
            fromMs: visit.lastDays(30).first.startMs, beforeMs: visit.today.startMs + UTCDay.lengthMs,
            team: filter.team, user: filter.user)
        var table = Self.eventTable(
            try await ledger.calls(search, limit: visit.isExport ? 1000 : 10), id: "recent-events",
            caption: "Recent calls")
        table.whenEmpty = HTML("No calls in 30 days.")
        return table
    }

    // MARK: Export

    private static let exportedAtOnce = 500

    /// Everything that matches, as it is read: it never stands in memory whole.
    func addEventExport(to router: Router<AdminContext>) {
        router.get(RouterPath(PageAddress.Page.export.rawValue)) { request, context in
            try await answered(request, context) { visit in
                guard let form = DataTable.Form(rawValue: visit.query["as"] ?? "") else {
                    throw AdminError(.invalidField, "as says in which form", hint: "use as=csv or as=json")
                }
                let search = try EventQuestion(visit, .export).search
                var headers = pageHeaders
                headers[.contentType] = form.contentType
                headers[.contentDisposition] = "attachment; filename=\"weir-events.\(form.rawValue)\""
                return Response(
                    status: .ok, headers: headers,
                    body: ResponseBody { writer in
                        try await write(search, as: form, to: &writer)
                        try await writer.finish(nil)
                    })
            }
        }
    }

    private func write(
        _ search: CallSearch, as form: DataTable.Form, to writer: inout any ResponseBodyWriter
    ) async throws {
        var search = search
        var isFirst = true
        while true {
            let page = try await ledger.calls(search, limit: Self.exportedAtOnce)
            let table = Self.eventTable(page, id: "events", caption: "Calls")
            try await writer.write(ByteBuffer(string: table.piece(as: form, isFirst: isFirst)))
            isFirst = false
            guard page.count == Self.exportedAtOnce, let last = page.last else { break }
            search.after = ExportedEvent.Place(calledAtMs: last.calledAtMs, id: last.id)
        }
        if form == .json { try await writer.write(ByteBuffer(string: "]\n")) }
    }
}
