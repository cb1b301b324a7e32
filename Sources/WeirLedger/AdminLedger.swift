import WeirCore

/// What only the admin API and the dashboard ask of the ledger, beyond ``LedgerStore``: who may use them, and how things
/// stand, page by page.
package protocol AdminLedger: LedgerStore {
    // MARK: Who may use the admin API

    /// - Throws: ``LedgerError/invalid(_:)`` if the id or the digest is taken.
    func insertAdminToken(_ token: LedgerAdminToken, audit: AuditEntry) async throws(LedgerError)
    /// All, oldest first; also those that are revoked or have ended.
    func adminTokens() async throws(LedgerError) -> [LedgerAdminToken]
    func adminToken(id: String) async throws(LedgerError) -> LedgerAdminToken?
    /// False, and nothing written, if there is no such token or it was revoked before.
    func revokeAdminToken(id: String, audit: AuditEntry) async throws(LedgerError) -> Bool
    /// That it was used; an earlier time than the one that stands changes nothing.
    func recordAdminTokenUse(id: String, atMs: Int) async throws(LedgerError)

    // MARK: Lists. Each page begins behind the last row of the one before.

    /// Oldest first, then by id.
    func keys(_ filter: KeyFilter, after: (createdAtMs: Int, id: String)?, limit: Int)
        async throws(LedgerError) -> [LedgerKey]

    /// Teams that have a key or have spent, by name.
    /// - Parameter days: of which their usage is told.
    func teams(after team: String?, limit: Int, days: DayRange) async throws(LedgerError) -> [TeamRow]

    /// Users that have a key or have spent, by team and name.
    func users(team: String?, after: (team: String, user: String)?, limit: Int, days: DayRange)
        async throws(LedgerError) -> [UserRow]

    /// Groups that keys are in, by team and name.
    func groups(team: String?, after: (team: String, group: String)?, limit: Int)
        async throws(LedgerError) -> [GroupRow]

    /// Newest first, then by descending id. At most ``EventSearch/mostScanned`` events are looked at.
    ///
    /// - Parameter place: of the last one of the page before, as its `next` said.
    func events(_ filter: EventFilter, before place: ExportedEvent.Place?, limit: Int)
        async throws(LedgerError) -> EventRows

    /// An event by its id, as it was charged at first, and what corrects it, oldest first; nil: there is none.
    func event(id: String) async throws(LedgerError) -> (event: EventRow, corrections: [EventRow])?

    /// Newest first.
    func audit(_ filter: AuditFilter, before number: Int?, limit: Int) async throws(LedgerError) -> [AuditRow]

    /// Newest first.
    func policies(before version: Int?, limit: Int) async throws(LedgerError) -> [PolicyVersion]

    // MARK: Costs

    /// What some days cost, with the `top` dearest teams and users (0: without any). Never reads single events.
    func costs(in days: DayRange, top: Int) async throws(LedgerError) -> CostOverview

    // MARK: Mending

    /// Sums a day up again from its events. The audit has a line if anything was not right.
    func rebuild(_ day: UTCDay, audit: AuditEntry) async throws(LedgerError) -> RebuildResult

    /// The days from the first event to the last; nil: there is no event and no sum.
    func recordedDays() async throws(LedgerError) -> DayRange?

    // MARK: What the dashboard shows. Of the days' sums alone, never of single events.

    /// What was spent each day, by one column: under the names of the `dearest` names of these days, and of all others
    /// together. Days on which nothing was spent are left out.
    func spendByDay(by column: UsageColumn, in days: DayRange, where filter: UsageFilter, dearest: Int)
        async throws(LedgerError) -> [NamedSpend]

    /// Usage of some days by one column, dearest first: at most `count`.
    func dearest(_ count: Int, by column: UsageColumn, in days: DayRange, where filter: UsageFilter)
        async throws(LedgerError) -> [UsageRow]

    /// All usage of some days together: of everybody, of a team, or of a user of a team.
    func totals(in days: DayRange, of selection: CallSelection, team: String?, user: String?)
        async throws(LedgerError) -> UsageTotals

    /// How many calls and denials each of some days has; also those that have none.
    func dayCalls(in days: DayRange) async throws(LedgerError) -> [DayCalls]
}
