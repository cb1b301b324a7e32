import WeirCore
import WeirLedger

/// What the page of events is asked for.
struct EventQuestion: Sendable {
    /// In the order of the form: name in the address, and label.
    static let fields: [(name: String, label: String)] = [
        ("team", "Team"), ("user", "User"), ("key", "API key"), ("product", "Product"), ("model", "Model"),
    ]

    let search: CallSearch
    let from: UTCDay
    let to: UTCDay
    /// What was asked, for links.
    let address: PageAddress

    /// - Throws: ``AdminError`` for what cannot be.
    init(_ visit: Visit, _ page: PageAddress.Page) throws {
        func day(_ name: String, _ otherwise: UTCDay) throws -> UTCDay {
            guard let text = visit.query[name] else { return otherwise }
            guard let day = UTCDay(text) else {
                throw AdminError(.invalidField, "\(name) is not a day", hint: "write it as 2026-11-21 (UTC)")
            }
            return day
        }
        to = try day("to", visit.today)
        from = try day("from", UTCDay(number: to.number - 6))
        guard from <= to else { throw AdminError(.invalidField, "from is after to") }
        let outcome = visit.query["outcome"]
        search = CallSearch(
            fromMs: from.startMs, beforeMs: to.startMs + UTCDay.lengthMs, team: visit.query["team"],
            user: visit.query["user"], key: visit.query["key"], product: visit.query["product"],
            model: visit.query["model"], outcome: outcome, after: visit.query["after"].flatMap(Self.place))
        var query: [(name: String, value: String)] = []
        for name in Self.fields.map(\.name) + ["outcome", "from", "to"] {
            if let value = visit.query[name] { query.append((name, value)) }
        }
        address = PageAddress(page, query: query)
    }

    /// `<called_at>:<id>`.
    private static func place(_ text: String) -> ExportedEvent.Place? {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let ms = Int(parts[0]) else { return nil }
        return ExportedEvent.Place(calledAtMs: ms, id: String(parts[1]))
    }

    /// The next page's.
    static func after(_ event: UsageEvent) -> String { "\(event.calledAtMs):\(event.id)" }
}
