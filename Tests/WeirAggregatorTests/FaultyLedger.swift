import Synchronization
import WeirCore
import WeirLedger

/// A ledger that fails when a test says so, before or after the batch was written.
final class FaultyLedger: LedgerStore {
    enum Fault: Sendable { case before(LedgerError), after(LedgerError), reads(LedgerError) }

    private let ledger: any LedgerStore
    private let fault = Mutex<Fault?>(nil)

    init(_ ledger: any LedgerStore) { self.ledger = ledger }

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
    func verify() async throws(LedgerError) -> [SummaryDifference] { try await ledger.verify() }
    func insertKey(_ key: LedgerKey, audit: AuditEntry) async throws(LedgerError) {
        try await ledger.insertKey(key, audit: audit)
    }
    func keys(team: String?) async throws(LedgerError) -> [LedgerKey] { try await ledger.keys(team: team) }
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
    func addedPrices() async throws(LedgerError) -> AddedPrices { try await ledger.addedPrices() }
    func reprice(_ days: DayRange, by history: PriceHistory, dryRun: Bool, audit: AuditEntry)
        async throws(LedgerError) -> RepriceResult
    { try await ledger.reprice(days, by: history, dryRun: dryRun, audit: audit) }
    func appendPolicy(_ policy: Policy, yaml: String, note: String, audit: AuditEntry)
        async throws(LedgerError) -> PolicyVersion
    { try await ledger.appendPolicy(policy, yaml: yaml, note: note, audit: audit) }
    func currentPolicy() async throws(LedgerError) -> PolicyVersion? { try await ledger.currentPolicy() }
    func policy(version: Int) async throws(LedgerError) -> PolicyVersion? { try await ledger.policy(version: version) }
    func policies(limit: Int) async throws(LedgerError) -> [PolicyVersion] { try await ledger.policies(limit: limit) }
    func setOverride(_ override: Override, audit: AuditEntry) async throws(LedgerError) {
        try await ledger.setOverride(override, audit: audit)
    }
    func removeOverride(limit: Limit.ID, subject: String, audit: AuditEntry) async throws(LedgerError) -> Bool {
        try await ledger.removeOverride(limit: limit, subject: subject, audit: audit)
    }
    func overrides() async throws(LedgerError) -> [Override] { try await ledger.overrides() }
    func appendAudit(_ entry: AuditEntry) async throws(LedgerError) { try await ledger.appendAudit(entry) }
    func audit(limit: Int) async throws(LedgerError) -> [AuditEntry] { try await ledger.audit(limit: limit) }
    func revision() async throws(LedgerError) -> Int { try await ledger.revision() }
    func close() async throws(LedgerError) { try await ledger.close() }
}
