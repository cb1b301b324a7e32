import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var ledgerRoutes: [AdminRoute] {
        let days: [AdminParameter] = [
            .init("from", .day, "The first UTC day.", isRequired: true),
            .init("to", .day, "The last day, included.", isRequired: true),
        ]
        return [
            .get(
                "ledger/verify", "Whether the sums of days are the sums of their events", [Self.workParameter],
                answer: VerifyAnswer.self
            ) { _, context in
                try await work.showing(context.query["work"]) { progress in
                    try answer(VerifyAnswer(await ledger.verify(progress: progress)))
                }
            },
            .get(
                "ledger/events", "Events of some days in order of time, each as JSON text, to copy them elsewhere",
                days + [.init("after", .text, "`next` of the page before.")], answer: EventPage.self
            ) { _, context in try await exportEvents(context) },
            .on(
                .post, "ledger/reprice", role: .admin, "Charge the calls of some days by the prices known now",
                [Self.workParameter], body: .json(RepriceRequest.self), answer: RepriceAnswer.self
            ) { request, context in
                try await work.showing(context.query["work"]) { try await reprice(request, context, progress: $0) }
            },
            .on(
                .post, "ledger/rebuild", role: .admin, "Sum some days up again from their events",
                [Self.workParameter], body: .json(RebuildRequest.self), answer: RebuildAnswer.self
            ) { request, context in
                try await work.showing(context.query["work"]) { try await rebuild(request, context, progress: $0) }
            },
        ]
    }

    private static let eventsPerPage = 1000

    private func exportEvents(_ context: AdminContext) async throws -> Response {
        let values = context.query
        let days = try days(from: day(values["from"] ?? "", "from"), to: day(values["to"] ?? "", "to"))
        let after = try values["after"].map { (text) throws(AdminError) -> ExportedEvent.Place in
            guard let place = ExportedEvent.Place(text) else {
                throw AdminError(.invalidField, "after is not what next of a page said", field: "after")
            }
            return place
        }
        let events = try await ledger.exportEvents(in: days, after: after, limit: Self.eventsPerPage)
        let last = events.count == Self.eventsPerPage ? events.last : nil
        return try answer(
            EventPage(events: events.map(\.json), next: last?.place.text))
    }

    /// Day by day, each its own transaction: ingest waits for a day at most, and what a failure leaves undone is done by
    /// repeating the request.
    private func reprice(
        _ request: Request, _ context: AdminContext, progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> Response {
        let wanted = try await request.message(RepriceRequest.self, upTo: 4096)
        let days = try days(from: day(wanted.from, "from"), to: day(wanted.to, "to"))
        let isDry = wanted.dryRun ?? false
        let history = try await priceHistory()
        var sum = RepriceResult()
        for number in days.first.number...days.last.number {
            progress(number - days.first.number, days.last.number - days.first.number + 1)
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

    /// Day by day, as repricing.
    private func rebuild(
        _ request: Request, _ context: AdminContext, progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> Response {
        let wanted = try await request.message(RebuildRequest.self, upTo: 4096)
        let recorded = try await ledger.recordedDays()
        guard let recorded else { return try answer(RebuildAnswer(days: 0, sums: 0, corrected: 0)) }
        let first = try wanted.from.map { try day($0, "from") } ?? recorded.first
        let last = try wanted.to.map { try day($0, "to") } ?? recorded.last
        guard first <= last else {
            throw AdminError(.invalidField, "from must not be after to", field: "from")
        }
        var sum = RebuildAnswer(from: first.id, to: last.id, days: 0, sums: 0, corrected: 0)
        // What lies outside has neither events nor sums.
        let (from, to) = (max(first, recorded.first), min(last, recorded.last))
        var number = from.number
        while number <= to.number {
            progress(sum.days, to.number - from.number + 1)
            let day = UTCDay(number: number)
            let result = try await ledger.rebuild(day, audit: audit(context, "ledger.rebuild", day.id))
            sum.days += 1
            sum.sums += result.sums
            sum.corrected += result.corrected
            number += 1
        }
        return try answer(sum)
    }
}
