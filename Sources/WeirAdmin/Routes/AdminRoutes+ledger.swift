import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    func addLedger(to group: RouterGroup<AdminContext>) {
        group.get("ledger/verify") { request, context in answer(VerifyAnswer(try await ledger.verify())) }
        group.post("ledger/reprice") { request, context in try await reprice(request, context) }
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
        return answer(
            RepriceAnswer(
                from: wanted.from, to: wanted.to, dryRun: isDry, priceVersion: history.version, events: sum.events,
                corrected: sum.corrected, unpriced: sum.unpriced, differenceMicros: sum.differenceMicros,
                differenceUSD: MicroUSD(micros: sum.differenceMicros).description))
    }
}
