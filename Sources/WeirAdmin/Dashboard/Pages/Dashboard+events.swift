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
        let found = try await ledger.events(question.filter, before: question.after, limit: Self.eventsShown)
        var table = Self.eventTable(found.rows, id: "events", caption: "Calls")
        table.isExportedHere = false
        if found.next != nil {
            table.whenEmpty = HTML(
                "None of the newest \(Format.count(EventSearch.mostScanned)) matches. Look at older ones.")
        }
        page.add(table)
        page.add(
            el("p", .css("paging")) {
                if let next = found.next {
                    el("a", .href(question.address.with("after", next.text)), text: "Older →")
                }
                if question.after != nil { el("a", .href(question.address), text: "Newest") }
            })
        if !found.rows.isEmpty { page.add(try await exportLinks(question)) }
        return page
    }

    /// All that match, not only this page of them, with about how many there are.
    private func exportLinks(_ question: EventQuestion) async throws -> HTML {
        let filter = question.filter
        let total = try await ledger.totals(
            in: DayRange(first: question.from, last: question.to),
            of: CallSelection(
                products: filter.product.map { [$0] }, models: filter.model.map { [$0] }),
            team: filter.team, user: filter.user
        ).calls
        let isExact = filter.key == nil && filter.outcome == nil
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
        let filter = question.filter
        let values = [
            "team": filter.team, "user": filter.user, "key": filter.key, "product": filter.product,
            "model": filter.model,
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
                            outcome == filter.outcome
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

    static func eventTable(_ rows: [EventRow], id: String, caption: String) -> DataTable {
        var table = DataTable(
            id, caption, eventColumns,
            whenEmpty: HTML("No call matches. Ask for more days, or fewer fields."))
        table.rows = rows.map { eventRow($0.event) }
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
        let wanted = EventFilter(
            team: filter.team, user: filter.user, fromMs: visit.lastDays(30).first.startMs,
            toMs: visit.today.startMs + UTCDay.lengthMs, corrections: .added)
        let found = try await ledger.events(wanted, before: nil, limit: visit.isExport ? 1000 : 10)
        var table = Self.eventTable(found.rows, id: "recent-events", caption: "Recent calls")
        table.whenEmpty =
            found.next == nil
            ? HTML("No calls in 30 days.")
            : HTML("None among the newest \(Format.count(EventSearch.mostScanned)) calls of the team.")
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
                let filter = try EventQuestion(visit, .export).filter
                var headers = pageHeaders
                headers[.contentType] = form.contentType
                headers[.contentDisposition] = "attachment; filename=\"weir-events.\(form.rawValue)\""
                return Response(
                    status: .ok, headers: headers,
                    body: ResponseBody { writer in
                        try await write(filter, as: form, to: &writer)
                        try await writer.finish(nil)
                    })
            }
        }
    }

    private func write(
        _ filter: EventFilter, as form: DataTable.Form, to writer: inout any ResponseBodyWriter
    ) async throws {
        var place: ExportedEvent.Place?
        var isFirst = true
        repeat {
            let found = try await ledger.events(filter, before: place, limit: Self.exportedAtOnce)
            place = found.next
            // A page without a match is only part of the way; if it is the last of nothing, there is the head alone.
            guard !found.rows.isEmpty || (isFirst && place == nil) else { continue }
            let table = Self.eventTable(found.rows, id: "events", caption: "Calls")
            try await writer.write(ByteBuffer(string: table.piece(as: form, isFirst: isFirst)))
            isFirst = false
        } while place != nil
        if form == .json { try await writer.write(ByteBuffer(string: "]\n")) }
    }
}
