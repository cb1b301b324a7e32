import Testing
import WeirCore
import WeirLedger

@Suite struct DecisionsContractTests {
    private func key(_ id: String, team: String = "acme", sha256: String? = nil) -> LedgerKey {
        LedgerKey(
            record: APIKeyRecord(
                id: id, team: team, user: "alice", groups: ["a", "b"], products: ["slack_app"], models: ["m,1"],
                expiresAtMs: noonMs),
            sha256: sha256 ?? "sha-\(id)", createdAtMs: noonMs)
    }

    @Test(arguments: LedgerKind.allCases)
    func `a key is found by id and digest, and revoked once`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            try await ledger.insertKey(key("k1"), audit: audit("key.create", subject: "k1"))
            try await ledger.insertKey(key("k2", team: "globex"), audit: audit("key.create", subject: "k2"))
            #expect(try await ledger.key(id: "k1") == key("k1"))
            #expect(try await ledger.key(sha256: "sha-k2") == key("k2", team: "globex"))
            #expect(try await ledger.key(id: "k3") == nil)
            #expect(try await ledger.keys(team: nil).map(\.record.id) == ["k1", "k2"])
            #expect(try await ledger.keys(team: "globex").map(\.record.id) == ["k2"])

            let revocation = audit("key.revoke", subject: "k1", atMs: noonMs + 5)
            #expect(try await ledger.revokeKey(id: "k1", audit: revocation))
            #expect(try await !ledger.revokeKey(id: "k1", audit: revocation))
            #expect(try await !ledger.revokeKey(id: "k9", audit: revocation))
            let revoked = try #require(try await ledger.key(id: "k1"))
            #expect(!revoked.record.isActive && revoked.revokedAtMs == noonMs + 5)
            #expect(try await ledger.audit(limit: 9).map(\.action) == ["key.revoke", "key.create", "key.create"])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `a key whose id or digest is taken is refused, and leaves no line in the audit`(kind: LedgerKind) async throws
    {
        try await withLedger(kind) { ledger, _ in
            try await ledger.insertKey(key("k1"), audit: audit())
            for taken in [key("k1", sha256: "other"), key("k2", sha256: "sha-k1")] {
                let error = await #expect(throws: LedgerError.self) {
                    try await ledger.insertKey(taken, audit: audit())
                }
                guard case .invalid = error else { throw error ?? LedgerError.failed("no error") }
            }
            #expect(try await ledger.audit(limit: 9).count == 1)
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `each applied policy gets the next version and stays readable`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, open in
            #expect(try await ledger.currentPolicy() == nil)
            let limit = Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 50_000_000,
                groupAmounts: ["contractors": 20_000_000], downgradeAt: 8000)
            var policy = Policy(
                products: ["slack_app": .init(callClass: "ai", billable: true, resource: "ai_credits")],
                classes: ["ai": .init(killSwitch: true)], limits: [limit],
                costGuard: .init(warn: MicroUSD("5"), kill: MicroUSD("20"), period: .day))
            let other = try open()
            for version in 1...3 {
                policy.limits[0].amount = version
                let store = version == 2 ? other : ledger
                let applied = try await store.appendPolicy(policy, yaml: "# \(version)", note: "", audit: audit())
                #expect(applied.version == version)
            }
            let current = try #require(try await ledger.currentPolicy())
            policy.version = 3
            #expect(current.policy == policy && current.yaml == "# 3")
            #expect(try await ledger.policy(version: 1)?.policy.limits[0].amount == 1)
            #expect(try await ledger.policy(version: 4) == nil)
            #expect(try await ledger.policies(limit: 2).map(\.version) == [3, 2])
            try await other.close()
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `an override is set, replaced and taken back`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            var override = Override(
                limit: "spend", subject: "user:acme/alice", amount: 5, untilMs: noonMs + 1, reason: "why", actor: "ann",
                createdAtMs: noonMs)
            try await ledger.setOverride(override, audit: audit())
            #expect(try await ledger.overrides() == [override])
            #expect(override.isInForce(atMs: noonMs) && !override.isInForce(atMs: noonMs + 1))
            (override.amount, override.untilMs, override.reason) = (7, nil, nil)
            try await ledger.setOverride(override, audit: audit())
            #expect(try await ledger.overrides() == [override])
            #expect(
                try await ledger.removeOverride(limit: "spend", subject: "user:acme/alice", audit: audit("unset")))
            #expect(
                try await !ledger.removeOverride(limit: "spend", subject: "user:acme/alice", audit: audit("unset")))
            #expect(try await ledger.overrides() == [])
            #expect(try await ledger.audit(limit: 9).map(\.action) == ["unset", "test", "test"])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `overrides that have ended are removed with the next one`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, _ in
            let ending = Override(limit: "spend", subject: "team:a", amount: 5, untilMs: noonMs)
            let lasting = Override(limit: "spend", subject: "team:b", amount: 5)
            try await ledger.setOverride(ending, audit: audit(atMs: noonMs - 1))
            #expect(try await ledger.overrides() == [ending])
            try await ledger.setOverride(lasting, audit: audit(atMs: noonMs))
            #expect(try await ledger.overrides() == [lasting])
        }
    }

    @Test(arguments: LedgerKind.allCases)
    func `the revision grows with every decision of anybody, and with nothing else`(kind: LedgerKind) async throws {
        try await withLedger(kind) { ledger, open in
            let other = try open()
            var last = try await ledger.revision()
            func grew() async throws -> Bool {
                let now = try await ledger.revision()
                defer { last = now }
                return now > last
            }
            try await other.insertKey(key("k1"), audit: audit())
            #expect(try await grew())
            _ = try await other.revokeKey(id: "k1", audit: audit())
            #expect(try await grew())
            _ = try await other.appendPolicy(
                Policy(products: [:], classes: [:], limits: []), yaml: "", note: "", audit: audit())
            #expect(try await grew())
            try await other.setOverride(Override(limit: "l", subject: "s", amount: 1), audit: audit())
            #expect(try await grew())
            _ = try await other.removeOverride(limit: "l", subject: "s", audit: audit())
            #expect(try await grew())
            _ = try await other.ingest([event("a")])
            try await other.appendAudit(audit())
            #expect(try await !grew())
            try await other.close()
        }
    }
}
