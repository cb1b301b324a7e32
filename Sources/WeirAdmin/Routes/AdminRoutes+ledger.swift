import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var ledgerRoutes: [AdminRoute] {
        [
            .get("ledger/verify") { _, _ in try answer(VerifyAnswer(await ledger.verify())) },
            .get("ledger/events") { request, _ in try await exportEvents(request) },
            .post("ledger/reprice", role: .admin) { request, context in try await reprice(request, context) },
        ]
    }

    private static let eventsPerPage = 1000

    private func exportEvents(_ request: Request) async throws -> Response {
        let values = try query(request, known: ["from", "to", "after"])
        guard let from = values["from"], let to = values["to"] else {
            throw AdminError(.invalidField, "from and to are missing", hint: "write them as 2026-11-21 (UTC)")
        }
        let days = try days(from: day(from, "from"), to: day(to, "to"))
        let after = try values["after"].map { (text) throws(AdminError) -> ExportedEvent.Place in
            // `<called_at>:<id>`, as in `next`.
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let ms = Int(parts[0]) else {
                throw AdminError(.invalidField, "after is not what next of a page said")
            }
            return ExportedEvent.Place(calledAtMs: ms, id: String(parts[1]))
        }
        let events = try await ledger.exportEvents(in: days, after: after, limit: Self.eventsPerPage)
        let last = events.count == Self.eventsPerPage ? events.last : nil
        return try answer(
            EventPage(events: events.map(\.json), next: last.map { "\($0.place.calledAtMs):\($0.place.id)" }))
    }

    /// Day by day, each its own transaction: ingest waits for a day at most, and what a failure leaves undone is done by
    /// repeating the request.
    private func reprice(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await request.message(RepriceRequest.self, upTo: 4096)
        let days = try days(from: day(wanted.from, "from"), to: day(wanted.to, "to"))
        let isDry = wanted.dryRun ?? false
        let history = try await priceHistory()
        var sum = RepriceResult()
        for number in days.first.number...days.last.number {
            let day = UTCDay(number: number)
            let result = try await ledger.reprice(
                DayRange(first: day, last: day), by: history, dryRun: isDry,
                audit: audit(context, "ledger.reprice", day.id, reason: "prices \(history.version)"))
            sum.events += result.events
            sum.corrected += result.corrected
            sum.unpriced += result.unpriced
            sum.differenceMicros = sum.differenceMicros.addingSaturated(result.differenceMicros)
        }
        return try answer(
            RepriceAnswer(
                from: wanted.from, to: wanted.to, dryRun: isDry, priceVersion: history.version, events: sum.events,
                corrected: sum.corrected, unpriced: sum.unpriced, differenceMicros: sum.differenceMicros,
                differenceUSD: MicroUSD(micros: sum.differenceMicros).description))
    }
}
