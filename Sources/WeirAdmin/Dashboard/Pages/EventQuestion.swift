import WeirCore
import WeirLedger

/// What the page of events is asked for.
struct EventQuestion: Sendable {
    /// In the order of the form: name in the address, and label.
    static let fields: [(name: String, label: String)] = [
        ("team", "Team"), ("user", "User"), ("key", "API key"), ("product", "Product"), ("model", "Model"),
    ]

    let filter: EventFilter
    /// Of the last call of the page before.
    let after: ExportedEvent.Place?
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
        let outcome = try visit.query["outcome"].map { text in
            guard let outcome = UsageEvent.Outcome(rawValue: text) else {
                throw AdminError(.invalidField, "outcome is none that there is", hint: "choose one of the form")
            }
            return outcome
        }
        filter = EventFilter(
            team: visit.query["team"], user: visit.query["user"], key: visit.query["key"],
            product: visit.query["product"], model: visit.query["model"], outcome: outcome, fromMs: from.startMs,
            toMs: to.startMs + UTCDay.lengthMs, corrections: .added)
        after = try visit.query["after"].map { text in
            guard let place = ExportedEvent.Place(text) else {
                throw AdminError(.invalidField, "after is not the place of a call", hint: "begin with the newest")
            }
            return place
        }
        var query: [(name: String, value: String)] = []
        for name in Self.fields.map(\.name) + ["outcome", "from", "to"] {
            if let value = visit.query[name] { query.append((name, value)) }
        }
        address = PageAddress(page, query: query)
    }
}
