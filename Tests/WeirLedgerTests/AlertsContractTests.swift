import Testing
import WeirCore
import WeirLedger

@Suite struct AlertsContractTests {
    private func alert(_ subject: String, period: String = "2026-11-21", atMs: Int = noonMs) -> Alert {
        Alert(
            .limitShare, subject: subject, period: period, severity: .warning, text: "said", details: ["a": "b"],
            atMs: atMs)
    }

    @Test(arguments: LedgerKind.allCases)
    func `an alert is raised once per kind, subject and period, also by another process`(kind: LedgerKind) async throws
    {
        try await withLedger(kind) { ledger, again in
            let other = try again()
            #expect(try await ledger.raise([alert("a"), alert("b")], deliver: true, mostPending: 10).count == 2)
            let more = [alert("a", atMs: noonMs + 1), alert("b"), alert("a", period: "2026-11-22")]
            #expect(try await other.raise(more, deliver: true, mostPending: 10) == [more[2]])
            #expect(
                try await ledger.alerts(state: nil, before: nil, limit: 10).map(\.alert.atMs) == [
                    noonMs, noonMs, noonMs,
                ])
            #expect(try await ledger.alerts(state: nil, before: 3, limit: 10).map(\.alert.subject) == ["b", "a"])
            #expect(try await ledger.alertCounts() == [.pending: 3])
            try await other.close()
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `of what has no room nothing is kept, so that it is raised when there is`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let alerts = (0..<5).map { alert("s\($0)") }
            #expect(try await ledger.raise(alerts, deliver: true, mostPending: 3).count == 3)
            #expect(try await ledger.raise(alerts, deliver: true, mostPending: 3).isEmpty)
            let first = try #require(try await ledger.claimAlert(nowMs: noonMs, forMs: 1))
            try await ledger.endAttempt(first, as: .sent, nextAtMs: 0, error: nil)
            #expect(try await ledger.raise(alerts, deliver: true, mostPending: 3) == [alerts[3]])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `one process at a time attempts an alert, and a lost attempt is made again`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, again in
            let other = try again()
            _ = try await ledger.raise([alert("a")], deliver: true, mostPending: 10)
            let claims = try await withThrowingTaskGroup(of: AlertRecord?.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await (number % 2 == 0 ? ledger : other).claimAlert(nowMs: noonMs, forMs: 1000)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }.compactMap { $0 }
            #expect(claims.count == 1)
            let lost = try #require(claims.first)
            #expect(lost.attempts == 1 && lost.alert == alert("a"))
            #expect(try await other.claimAlert(nowMs: noonMs + 999, forMs: 1000) == nil)
            let second = try #require(try await other.claimAlert(nowMs: noonMs + 1000, forMs: 1000))
            #expect(second.attempts == 2)
            // Whoever wakes late says nothing any more.
            try await ledger.endAttempt(lost, as: .dead, nextAtMs: 0, error: "late")
            try await other.endAttempt(second, as: .pending, nextAtMs: noonMs + 9000, error: "HTTP 500")
            #expect(try await ledger.claimAlert(nowMs: noonMs + 8999, forMs: 1000) == nil)
            let third = try #require(try await ledger.claimAlert(nowMs: noonMs + 9000, forMs: 1000))
            #expect(third.attempts == 3 && third.error == "HTTP 500")
            try await ledger.endAttempt(third, as: .sent, nextAtMs: 0, error: nil)
            #expect(try await ledger.alertCounts() == [.sent: 1])
            try await other.close()
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `without a webhook alerts are recorded and never due; old ones go`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            _ = try await ledger.raise([alert("a")], deliver: false, mostPending: 10)
            #expect(try await ledger.claimAlert(nowMs: noonMs + 1, forMs: 1) == nil)
            #expect(try await ledger.alerts(state: .recorded, before: nil, limit: 10).count == 1)
            #expect(try await ledger.alerts(state: .dead, before: nil, limit: 10).isEmpty)
            let later = noonMs + 401 * UTCDay.lengthMs
            _ = try await ledger.raise([alert("b", atMs: later)], deliver: false, mostPending: 10)
            #expect(try await ledger.alerts(state: nil, before: nil, limit: 10).map(\.alert.subject) == ["b"])
        }
    }
}
