import WeirCore
import WeirLedger

/// Makes and revokes admin tokens: for the API, and for whoever has the ledger at hand, which is how the first one is made.
package struct AdminTokens: Sendable {
    private let ledger: any AdminLedger
    private let nowMs: Int

    package init(ledger: any AdminLedger, nowMs: Int) {
        self.ledger = ledger
        self.nowMs = nowMs
    }

    /// - Throws: ``AdminError`` if the request cannot be; or what the ledger throws.
    package func create(_ wanted: AdminTokenRequest, by actor: AdminActor) async throws -> CreatedAdminToken {
        guard Subject.isValidID(wanted.name) else {
            throw AdminError(
                .invalidField, "\"\(wanted.name.prefix(60))\" cannot be a name",
                hint: "use 1 to 128 of A-Z a-z 0-9 . _ @ : -")
        }
        guard let role = AdminRole(rawValue: wanted.role) else {
            throw AdminError(
                .invalidField, "there is no role \"\(wanted.role.prefix(60))\"",
                hint: "use \(AdminRole.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var generator = SystemRandomNumberGenerator()
        let token = AdminToken.generate(using: &generator)
        let entry = LedgerAdminToken(
            id: token.id, name: wanted.name, role: role, sha256: TokenDigest(token.text).hexadecimal,
            createdAtMs: nowMs, expiresAtMs: try wanted.expiresAt.map(end))
        let after = "\(role.rawValue) \(entry.name)" + (wanted.expiresAt.map { " until \($0)" } ?? "")
        try await ledger.insertAdminToken(entry, audit: audit("admin-token.create", token.id, actor, after: after))
        return CreatedAdminToken(token: token.text, description: AdminTokenDescription(entry, nowMs: nowMs))
    }

    package func list() async throws -> [AdminTokenDescription] {
        try await ledger.adminTokens().map { AdminTokenDescription($0, nowMs: nowMs) }
    }

    /// Revoking twice does no harm.
    /// - Throws: ``AdminError`` if there is no such token; or what the ledger throws.
    package func revoke(_ id: String, by actor: AdminActor) async throws -> AdminTokenDescription {
        let before = try await ledger.adminToken(id: id).map { "\($0.role.rawValue) \($0.name)" }
        _ = try await ledger.revokeAdminToken(
            id: id, audit: audit("admin-token.revoke", id, actor, before: before))
        guard let token = try await ledger.adminToken(id: id) else {
            throw AdminError(
                .notFound, "there is no admin token \(id.prefix(60))", hint: "weir admin-token list shows all ids")
        }
        return AdminTokenDescription(token, nowMs: nowMs)
    }

    private func end(_ text: String) throws -> Int {
        guard let ms = moment(text), ms > nowMs else {
            throw AdminError(
                .invalidField, "expires_at is no moment in the future", hint: "write it as 2027-01-01T00:00:00Z",
                field: "expires_at")
        }
        return ms
    }

    private func audit(
        _ action: String, _ id: String, _ actor: AdminActor, before: String? = nil, after: String? = nil
    ) -> AuditEntry {
        AuditEntry(
            atMs: nowMs, actor: actor.name, token: actor.tokenID, from: actor.address, action: action, subject: id,
            before: before, after: after)
    }
}
