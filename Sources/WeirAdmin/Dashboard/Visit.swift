import Hummingbird
import WeirCore
import WeirLedger

/// One request of somebody who has signed in.
struct Visit: Sendable {
    let request: Request
    let context: AdminContext
    let session: Session
    /// What the address asks for.
    let query: FormFields
    /// Redis's and the ledger's time may differ by seconds; this is the process's, milliseconds since 1970.
    let nowMs: Int

    var authority: String { request.head.authority ?? "" }
    var role: AdminRole { session.actor.role }
    /// A table is handed out instead of the page: then it is whole, not paged.
    var isExport: Bool { query["table"] != nil }
    var today: UTCDay { UTCDay(containingMs: nowMs) }

    /// The last `count` days, today included.
    func lastDays(_ count: Int) -> DayRange { DayRange(first: UTCDay(number: today.number - count + 1), last: today) }

    /// Which page of a list, from 1.
    var pageNumber: Int { query["page"].flatMap { Int($0) }.map { min(max(1, $0), 1_000_000) } ?? 1 }
}
