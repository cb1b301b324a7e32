import Testing
import WeirCore
import WeirLedger

@Suite struct AdminTokensContractTests {
    private func token(_ id: String, role: AdminRole = .operator, expiresAtMs: Int? = nil) -> LedgerAdminToken {
        LedgerAdminToken(
            id: id, name: "ann", role: role, sha256: "sha-\(id)", createdAtMs: noonMs, expiresAtMs: expiresAtMs)
    }

    @Test(arguments: LedgerKind.allCases)
    func `an admin token is found by its id, and revoked once`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, open in
            try await ledger.insertAdminToken(token("t1"), audit: audit("admin-token.create", subject: "t1"))
            try await ledger.insertAdminToken(
                token("t2", role: .viewer, expiresAtMs: noonMs + 1), audit: audit("admin-token.create", subject: "t2"))
            let other = try open()
            #expect(
                try await other.adminTokens() == [token("t1"), token("t2", role: .viewer, expiresAtMs: noonMs + 1)])
            #expect(try await other.adminToken(id: "t3") == nil)

            let revocation = audit("admin-token.revoke", subject: "t1", atMs: noonMs + 5)
            #expect(try await ledger.revokeAdminToken(id: "t1", audit: revocation))
            #expect(try await !ledger.revokeAdminToken(id: "t1", audit: revocation))
            #expect(try await !ledger.revokeAdminToken(id: "t9", audit: revocation))
            let revoked = try #require(try await other.adminToken(id: "t1"))
            #expect(revoked.revokedAtMs == noonMs + 5 && !revoked.isUsable(atMs: noonMs))
            try await other.close()
            let actions = try await ledger.audit(limit: 9).map(\.action)
            #expect(actions == ["admin-token.revoke", "admin-token.create", "admin-token.create"])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a token is usable until its very end, and its last use never goes back`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            try await ledger.insertAdminToken(token("t1", expiresAtMs: noonMs + 1), audit: audit())
            let stored = try #require(try await ledger.adminToken(id: "t1"))
            #expect(stored.isUsable(atMs: noonMs) && !stored.isUsable(atMs: noonMs + 1))
            for atMs in [noonMs, noonMs - 1] { try await ledger.recordAdminTokenUse(id: "t1", atMs: atMs) }
            #expect(try await ledger.adminToken(id: "t1")?.lastUsedAtMs == noonMs)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `an admin token whose id or digest is taken is refused, and leaves no line in the audit`(
        kind: LedgerKind
    ) async throws {
        try await withLedger(kind) { ledger, _ in
            try await ledger.insertAdminToken(token("t1"), audit: audit())
            var sameDigest = token("t2")
            sameDigest.sha256 = "sha-t1"
            for taken in [token("t1"), sameDigest] {
                let error = await #expect(throws: LedgerError.self) {
                    try await ledger.insertAdminToken(taken, audit: audit())
                }
                guard case .invalid = error else { throw error ?? LedgerError.failed("no error") }
            }
            #expect(try await ledger.audit(limit: 9).count == 1)
        }
    }

    @Test func `an audit names the token that a change was made with`() async throws {
        try await withLedger { ledger, _ in
            let entry = AuditEntry(
                atMs: noonMs, actor: "ann", token: "wa_1", from: "192.0.2.7", action: "x", subject: "y", before: "a",
                after: "b", reason: "c")
            try await ledger.appendAudit(entry)
            #expect(try await ledger.audit(limit: 1) == [entry])
        }
    }
}
