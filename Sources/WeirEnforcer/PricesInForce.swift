import WeirCore

/// The prices that a node charges by: what ships and what operators have added, and of both what holds today. A class,
/// since every call takes it.
final class PricesInForce: Sendable {
    let history: PriceHistory
    /// The text in Redis that the additions were read from; nil: there is none.
    let published: String?
    let day: UTCDay
    let today: PriceTable
    /// Why the published prices are not the ones in force.
    let problem: String?

    init(history: PriceHistory, published: String?, day: UTCDay, problem: String? = nil) {
        self.history = history
        self.published = published
        self.day = day
        self.problem = problem
        today = history.table(on: day)
    }

    /// The prices of the day of a call. Just after midnight, until Redis is read again, the day's table is made anew.
    func table(atMs ms: Int) -> PriceTable {
        let day = UTCDay(containingMs: ms)
        return day == self.day ? today : history.table(on: day)
    }
}
