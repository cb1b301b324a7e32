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
}
