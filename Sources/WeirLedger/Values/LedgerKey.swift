import WeirCore

/// An API key as the ledger keeps it: what it stands for, and its digest. The key itself is never stored.
package struct LedgerKey: Sendable, Hashable {
    package var record: APIKeyRecord
    /// 64 lower-case hexadecimal digits.
    package var sha256: String
    /// Milliseconds since 1970.
    package var createdAtMs: Int
    package var revokedAtMs: Int?

    package init(record: APIKeyRecord, sha256: String, createdAtMs: Int, revokedAtMs: Int? = nil) {
        self.record = record
        self.sha256 = sha256
        self.createdAtMs = createdAtMs
        self.revokedAtMs = revokedAtMs
    }
}
