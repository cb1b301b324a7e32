import Synchronization
import WeirCore
import WeirLedger

/// A ledger that fails when a test says so, before or after the batch was written; or whose n-th question of a leader is
/// answered only when a test says so, as if the process had been stopped there.
final class FaultyLedger: LedgerStore {
    enum Fault: Sendable { case before(LedgerError), after(LedgerError), reads(LedgerError) }

    private let ledger: any LedgerStore
    private let fault = Mutex<Fault?>(nil)
    private let pause = Mutex(Pause())

    private struct Pause {
        /// Questions until the pause; nil: there will be none.
        var questionsLeft: Int?
        var waiting: CheckedContinuation<Void, Never>?
    }

    init(_ ledger: any LedgerStore) { self.ledger = ledger }

    /// Pauses at a question: 0 is the next one.
    func pause(at question: Int) { pause.withLock { $0.questionsLeft = question } }
    var isPaused: Bool { pause.withLock { $0.waiting != nil } }

    func resume() {
        let waiting = pause.withLock { pause in
            defer { pause = Pause() }
            return pause.waiting
        }
        waiting?.resume()
    }

    private func question() async {
        let isDue = pause.withLock { pause in
            guard let left = pause.questionsLeft else { return false }
            pause.questionsLeft = left > 0 ? left - 1 : nil
            return left == 0
        }
        guard isDue else { return }
        await withCheckedContinuation { continuation in pause.withLock { $0.waiting = continuation } }
    }

    func fail(_ next: Fault?) { fault.withLock { $0 = next } }
    private var current: Fault? { fault.withLock { $0 } }
    private func checkReads() throws(LedgerError) { if case .reads(let error)? = current { throw error } }

    func ingest(_ events: [UsageEvent], deadLetters: [DeadLetter]) async throws(LedgerError) -> IngestResult {
        if case .before(let error)? = current { throw error }
        let result = try await ledger.ingest(events, deadLetters: deadLetters)
        if case .after(let error)? = current { throw error }
        return result
    }

    func spend(by grouping: SpendGrouping, in days: DayRange, of selection: CallSelection)
        async throws(LedgerError) -> [Spend]
    {
        await question()
        try checkReads()
        return try await ledger.spend(by: grouping, in: days, of: selection)
    }

    func usage(by column: UsageColumn, in days: DayRange, where filter: UsageFilter)
        async throws(LedgerError) -> [UsageRow]
    { try await ledger.usage(by: column, in: days, where: filter) }
    func events(in days: DayRange, after: UsageEvent?, limit: Int) async throws(LedgerError) -> [UsageEvent] {
        try await ledger.events(in: days, after: after, limit: limit)
    }
    func deadLetters(limit: Int) async throws(LedgerError) -> [DeadLetter] {
        try await ledger.deadLetters(limit: limit)
    }
    func verify(progress: @Sendable (Int, Int) -> Void) async throws(LedgerError) -> [SummaryDifference] {
        try await ledger.verify(progress: progress)
    }
    func insertKey(_ key: LedgerKey, audit: AuditEntry) async throws(LedgerError) {
        try await ledger.insertKey(key, audit: audit)
    }
    func keys(team: String?) async throws(LedgerError) -> [LedgerKey] {
        let keys = try await ledger.keys(team: team)
        await question()
        return keys
    }
    func key(id: String) async throws(LedgerError) -> LedgerKey? { try await ledger.key(id: id) }
    func key(sha256: String) async throws(LedgerError) -> LedgerKey? { try await ledger.key(sha256: sha256) }
    func revokeKey(id: String, audit: AuditEntry) async throws(LedgerError) -> Bool {
        try await ledger.revokeKey(id: id, audit: audit)
    }
    func rotateKey(id: String, endsAtMs: Int, to key: LedgerKey, audit: AuditEntry) async throws(LedgerError) -> Bool {
        try await ledger.rotateKey(id: id, endsAtMs: endsAtMs, to: key, audit: audit)
    }
    func recordDenials(_ counts: [DenialCount]) async throws(LedgerError) {
        if case .before(let error)? = current { throw error }
        try await ledger.recordDenials(counts)
        if case .after(let error)? = current { throw error }
    }
    func denials(in days: DayRange, team: String?) async throws(LedgerError) -> [DenialRow] {
        try await ledger.denials(in: days, team: team)
    }
    func exportEvents(in days: DayRange, after: ExportedEvent.Place?, limit: Int)
        async throws(LedgerError) -> [ExportedEvent]
    { try await ledger.exportEvents(in: days, after: after, limit: limit) }
    func appendPrices(_ prices: [ModelPrice], audit: AuditEntry) async throws(LedgerError) -> Int {
        try await ledger.appendPrices(prices, audit: audit)
    }
    func addedPrices() async throws(LedgerError) -> AddedPrices {
        let prices = try await ledger.addedPrices()
        await question()
        return prices
    }
    func reprice(_ days: DayRange, by history: PriceHistory, dryRun: Bool, audit: AuditEntry)
        async throws(LedgerError) -> RepriceResult
    { try await ledger.reprice(days, by: history, dryRun: dryRun, audit: audit) }
    func appendPolicy(_ policy: Policy, yaml: String, note: String, audit: AuditEntry)
        async throws(LedgerError) -> PolicyVersion
    { try await ledger.appendPolicy(policy, yaml: yaml, note: note, audit: audit) }
    func currentPolicy() async throws(LedgerError) -> PolicyVersion? {
        let policy = try await ledger.currentPolicy()
        await question()
        return policy
    }
    func policy(version: Int) async throws(LedgerError) -> PolicyVersion? { try await ledger.policy(version: version) }
    func policies(limit: Int) async throws(LedgerError) -> [PolicyVersion] { try await ledger.policies(limit: limit) }
    func setOverride(_ override: Override, audit: AuditEntry) async throws(LedgerError) {
        try await ledger.setOverride(override, audit: audit)
    }
    func removeOverride(limit: Limit.ID, subject: String, audit: AuditEntry) async throws(LedgerError) -> Bool {
        try await ledger.removeOverride(limit: limit, subject: subject, audit: audit)
    }
    func overrides() async throws(LedgerError) -> [Override] {
        let overrides = try await ledger.overrides()
        await question()
        return overrides
    }
    func appendAudit(_ entry: AuditEntry) async throws(LedgerError) { try await ledger.appendAudit(entry) }
    func audit(limit: Int) async throws(LedgerError) -> [AuditEntry] { try await ledger.audit(limit: limit) }
    func revision() async throws(LedgerError) -> Int { try await ledger.revision() }
    func nextLeaderToken(above: Int, name: String, atMs: Int) async throws(LedgerError) -> Int {
        try await ledger.nextLeaderToken(above: above, name: name, atMs: atMs)
    }
    func raise(_ alerts: [Alert], deliver: Bool, mostPending: Int) async throws(LedgerError) -> [Alert] {
        try await ledger.raise(alerts, deliver: deliver, mostPending: mostPending)
    }
    func claimAlert(nowMs: Int, forMs: Int) async throws(LedgerError) -> AlertRecord? {
        try await ledger.claimAlert(nowMs: nowMs, forMs: forMs)
    }
    func endAttempt(_ record: AlertRecord, as state: AlertRecord.State, nextAtMs: Int, error: String?)
        async throws(LedgerError)
    { try await ledger.endAttempt(record, as: state, nextAtMs: nextAtMs, error: error) }
    func alerts(state: AlertRecord.State?, before id: Int?, limit: Int) async throws(LedgerError) -> [AlertRecord] {
        try await ledger.alerts(state: state, before: id, limit: limit)
    }
    func alertCounts() async throws(LedgerError) -> [AlertRecord.State: Int] { try await ledger.alertCounts() }
    func standing() async throws(LedgerError) -> [StandingEntry] { try await ledger.standing() }
    func changeStanding(set: [StandingEntry], remove: [StandingEntry.Place], audit: [AuditEntry])
        async throws(LedgerError)
    { try await ledger.changeStanding(set: set, remove: remove, audit: audit) }
    func standingOrphans(calledFrom ms: Int) async throws(LedgerError) -> [StandingOrphan] {
        try await ledger.standingOrphans(calledFrom: ms)
    }
    func callCounts(calledFrom ms: Int) async throws(LedgerError) -> (orphaned: Int, all: Int) {
        try await ledger.callCounts(calledFrom: ms)
    }
    func outcomes(of ids: [String]) async throws(LedgerError) -> [String: UsageEvent.Outcome] {
        try await ledger.outcomes(of: ids)
    }
    func openedRun() async throws(LedgerError) -> String? { try await ledger.openedRun() }
    func recordOpened(run: String) async throws(LedgerError) { try await ledger.recordOpened(run: run) }
    func close() async throws(LedgerError) { try await ledger.close() }
}
