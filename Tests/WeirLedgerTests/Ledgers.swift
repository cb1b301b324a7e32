import WeirCore
import WeirLedger
import WeirTestSupport

/// The ledgers that the contract holds for.
enum LedgerKind: CaseIterable, Sendable { case sqlite }

/// Runs `body` with an empty ledger and a way to open it once more, as another process would.
nonisolated(nonsending) func withLedger<Result>(
    _ kind: LedgerKind = .sqlite, _ body: (any AdminLedger, () throws -> any AdminLedger) async throws -> Result
) async throws -> Result {
    switch kind {
    case .sqlite:
        try await withTemporaryDirectory { directory in
            let url = try LedgerURL("sqlite:\(directory)/weir.db")
            let ledger = try url.open()
            let result = try await body(ledger) { try url.open() }
            try await ledger.close()
            return result
        }
    }
}

/// 2026-11-21T12:00:00Z.
let noonMs = 1_795_262_400_000
let today = UTCDay(containingMs: noonMs)
let everyDay = DayRange(first: UTCDay(number: 0), last: UTCDay(number: 100_000))

func event(
    _ id: String, team: String = "acme", user: String? = "alice", product: String = "slack_app",
    model: String = "claude-haiku-4", endpoint: String = "messages", cost: Int = 1_000, input: Int = 10,
    output: Int = 5, isOK: Bool = true, outcome: UsageEvent.Outcome = .completed, atMs: Int = noonMs
) -> UsageEvent {
    UsageEvent(
        id: id, calledAtMs: atMs, team: team, user: user, product: product, billable: true, callClass: "ai",
        endpoint: endpoint, provider: "anthropic", requestedModel: model, model: model,
        tokens: TokenUsage(input: input, output: output), cost: MicroUSD(micros: cost), priceVersion: "1", isOK: isOK,
        status: isOK ? 200 : 500, outcome: outcome)
}

func audit(_ action: String = "test", subject: String = "x", atMs: Int = noonMs) -> AuditEntry {
    AuditEntry(atMs: atMs, actor: "tester", action: action, subject: subject)
}

extension LedgerStore {
    func total() async throws(LedgerError) -> UsageTotals {
        try await spend(by: .everybody, in: everyDay, of: .all).first?.totals ?? .zero
    }

    func ingest(_ events: [UsageEvent]) async throws(LedgerError) -> IngestResult {
        try await ingest(events, deadLetters: [])
    }
}
