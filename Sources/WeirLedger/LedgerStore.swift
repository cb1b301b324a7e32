import WeirCore

/// The durable record: every call once, the sum of each day, and what the operator decided.
///
/// Everything Weir knows about money is derived from it; Redis can be rebuilt from it. Each operation is one
/// transaction: it stands whole or not at all. All may be called from any task, and by several processes at once.
package protocol LedgerStore: Sendable {
    // MARK: Usage

    /// Writes a batch in one transaction: each event once by its id, the days' sums from the rows really written.
    ///
    /// An event for an id that stands as `orphaned` replaces it, and the sums change by the difference; an `orphaned` one
    /// for an id that stands changes nothing. So any batch may be repeated, in any order, split in any way.
    /// - Throws: ``LedgerError/invalid(_:)`` if an event has a number out of range (``UsageEvent/faultForLedger``).
    func ingest(_ events: [UsageEvent], deadLetters: [DeadLetter]) async throws(LedgerError) -> IngestResult

    /// What was spent in some days, by subject; subjects that spent nothing are left out. Never reads single events.
    func spend(by grouping: SpendGrouping, in days: DayRange, of selection: CallSelection)
        async throws(LedgerError) -> [Spend]

    /// Usage of some days, by one column, dearest first (by day: in order of days).
    func usage(by column: UsageColumn, in days: DayRange, where filter: UsageFilter)
        async throws(LedgerError) -> [UsageRow]

    /// The calls of some days in the order in which they were admitted (then by id), from the one after `after` on: at most
    /// `limit`, so that a long time is read page by page.
    func events(in days: DayRange, after: UsageEvent?, limit: Int) async throws(LedgerError) -> [UsageEvent]

    /// How those of these calls ended that the ledger has.
    func outcomes(of ids: [String]) async throws(LedgerError) -> [String: UsageEvent.Outcome]

    /// The calls that stand as orphaned and were made at this time (unix ms) or later.
    func standingOrphans(calledFrom ms: Int) async throws(LedgerError) -> [StandingOrphan]

    /// How many calls were made at this time (unix ms) or later, and how many of them stand as orphaned. Without any orphans
    /// the others are not counted.
    func callCounts(calledFrom ms: Int) async throws(LedgerError) -> (orphaned: Int, all: Int)

    /// The events that could not be read, newest first.
    func deadLetters(limit: Int) async throws(LedgerError) -> [DeadLetter]

    /// Adds what each call of these days costs too much or too little by the prices of now, as corrections of their own: the
    /// events themselves stay as they are. Repeating it with the same prices adds nothing. Events without a price stay.
    ///
    /// - Parameter history: the prices; an event is priced by those of the day of its call.
    /// - Parameter dryRun: only says what would be done.
    /// - Parameter audit: written if anything was corrected; what stands in `after` is replaced by how much.
    func reprice(_ days: DayRange, by history: PriceHistory, dryRun: Bool, audit: AuditEntry)
        async throws(LedgerError) -> RepriceResult

    /// The events of some days in order of time, corrections included, from the one after `after` on.
    func exportEvents(in days: DayRange, after: ExportedEvent.Place?, limit: Int)
        async throws(LedgerError) -> [ExportedEvent]

    /// Where the sums of days differ from the sum of their events, and coarser sums from those: always empty, or the ledger
    /// was changed by hand. Each day is read from one state of the ledger.
    /// - Parameter progress: told how many days are done, of how many.
    func verify(progress: @Sendable (_ done: Int, _ total: Int) -> Void)
        async throws(LedgerError) -> [SummaryDifference]

    // MARK: Denials

    /// Keeps how often nodes have denied what on a day. A count takes the place of a lesser one of the same node, so
    /// recording it again, or late, changes nothing.
    func recordDenials(_ counts: [DenialCount]) async throws(LedgerError)

    /// Denials of some days by team, user, limit and reason, most first.
    func denials(in days: DayRange, team: String?) async throws(LedgerError) -> [DenialRow]

    // MARK: What the operator decided. Each change is written together with its line in the audit.

    /// - Throws: ``LedgerError/invalid(_:)`` if the id or the digest is taken.
    func insertKey(_ key: LedgerKey, audit: AuditEntry) async throws(LedgerError)

    /// All keys, or those of a team, oldest first.
    func keys(team: String?) async throws(LedgerError) -> [LedgerKey]
    func key(id: String) async throws(LedgerError) -> LedgerKey?
    func key(sha256: String) async throws(LedgerError) -> LedgerKey?

    /// False, and nothing written, if there is no such key or it was revoked before.
    func revokeKey(id: String, audit: AuditEntry) async throws(LedgerError) -> Bool

    /// Lets the key with this id end at `endsAtMs`, or before, if it ends by itself, and inserts the one that takes its
    /// place. False, and nothing written, if there is no such key or it was revoked.
    func rotateKey(id: String, endsAtMs: Int, to key: LedgerKey, audit: AuditEntry) async throws(LedgerError) -> Bool

    /// Gives the policy the next version and keeps it for ever. Returns it with its version.
    func appendPolicy(_ policy: Policy, yaml: String, note: String, audit: AuditEntry)
        async throws(LedgerError) -> PolicyVersion
    /// The newest; nil if none was ever applied.
    func currentPolicy() async throws(LedgerError) -> PolicyVersion?
    func policy(version: Int) async throws(LedgerError) -> PolicyVersion?
    /// Newest first.
    func policies(limit: Int) async throws(LedgerError) -> [PolicyVersion]

    /// Sets the amount of a limit for one subject, in place of one that stands. Those that have ended by then are removed.
    func setOverride(_ override: Override, audit: AuditEntry) async throws(LedgerError)
    /// Back to what policy says. False, and nothing written, if there is no override.
    func removeOverride(limit: Limit.ID, subject: String, audit: AuditEntry) async throws(LedgerError) -> Bool
    /// Adds prices for ever, all of them as one addition. Returns its number: 1, 2, …
    func appendPrices(_ prices: [ModelPrice], audit: AuditEntry) async throws(LedgerError) -> Int
    /// All that were added, oldest first, and the number of the last addition; 0: none.
    func addedPrices() async throws(LedgerError) -> AddedPrices

    /// All that stand, by limit and subject; also those that have ended and are not removed yet.
    func overrides() async throws(LedgerError) -> [Override]

    func appendAudit(_ entry: AuditEntry) async throws(LedgerError)
    /// Newest first.
    func audit(limit: Int) async throws(LedgerError) -> [AuditEntry]

    /// A number that grows with every change of keys, policies, prices or overrides, whoever makes it: what is published has to be
    /// published again when it differs.
    func revision() async throws(LedgerError) -> Int

    // MARK: What stands in Redis because somebody said so

    func standing() async throws(LedgerError) -> [StandingEntry]

    /// In one transaction. Repeating it changes nothing but the audit.
    func changeStanding(set: [StandingEntry], remove: [StandingEntry.Place], audit: [AuditEntry])
        async throws(LedgerError)

    // MARK: Alerts

    /// Keeps those that were not raised before, by kind, subject and period, in their order as long as fewer than
    /// `mostPending` wait to be sent. Returns those that it kept.
    /// - Parameter deliver: whether they are to be sent.
    func raise(_ alerts: [Alert], deliver: Bool, mostPending: Int) async throws(LedgerError) -> [Alert]
    /// Takes the pending alert that is due longest for one attempt: for `forMs` nobody else gets it. Nil: none is due.
    func claimAlert(nowMs: Int, forMs: Int) async throws(LedgerError) -> AlertRecord?
    /// What came of the attempt. Changes nothing if another one has been made since.
    func endAttempt(_ record: AlertRecord, as state: AlertRecord.State, nextAtMs: Int, error: String?)
        async throws(LedgerError)
    /// Newest first; `before`: only those with a lower id.
    func alerts(state: AlertRecord.State?, before id: Int?, limit: Int) async throws(LedgerError) -> [AlertRecord]
    /// How many there are in each state; one without any may be missing.
    func alertCounts() async throws(LedgerError) -> [AlertRecord.State: Int]

    // MARK: Leadership

    /// Makes and records the next leader's fencing token: greater than every earlier one, and than `above`.
    func nextLeaderToken(above: Int, name: String, atMs: Int) async throws(LedgerError) -> Int

    /// The run of the Redis server for which shards were opened last; nil: none ever was.
    func openedRun() async throws(LedgerError) -> String?
    /// Only whoever has led may record it.
    func recordOpened(run: String) async throws(LedgerError)

    /// Ends all connections. Nothing may be called afterwards.
    func close() async throws(LedgerError)
}

extension LedgerStore {
    package func verify() async throws(LedgerError) -> [SummaryDifference] { try await verify { _, _ in } }
}
