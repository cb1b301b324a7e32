import NIOCore
import WeirCore
import WeirRedis

extension Enforcer {
    /// What the API key with this SHA-256 (64 hex digits) stands for; nil for an unknown, revoked or expired key.
    package func identify(keySHA256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord? {
        let record: APIKeyRecord?
        do throws(EnforcerError) {
            // A node that is too long without Redis must not trust what it remembers.
            _ = try replica.current()
            switch replica.keys.answer(for: keySHA256) {
            case .known(let known): record = known
            case .ask(let generation):
                record = try await readKey(sha256: keySHA256, on: loop)
                replica.keys.keep(record, for: keySHA256, since: generation)
            }
        } catch .outage(let reason) {
            record = try lastKnownKey(sha256: keySHA256, because: reason)
        }
        guard let record, record.isUsable(nowMs: clock.nowMs) else { return nil }
        return record
    }

    private func readKey(sha256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord? {
        do {
            let fields = try await pool.connection(for: loop)
                .send(["HGETALL", .string(RedisKeys.apiKey(sha256: sha256))]).pairs
            return APIKeyRecord(fields: Dictionary(fields) { first, _ in first })
        } catch { throw EnforcerError(error) }
    }
}

extension APIKeyRecord {
    /// Neither revoked nor expired.
    func isUsable(nowMs: Int) -> Bool { isActive && (expiresAtMs.map { $0 > nowMs } ?? true) }
}

extension EnforcerError {
    /// Only what waiting can mend is an outage; the rest is the operator's.
    init(_ error: RedisError) {
        switch error {
        case .timedOut, .unavailable, .disconnected, .serverBusy, .writeRefused:
            self = .outage(reason: "\(error)")
        case .cancelled:
            self = .degraded(reason: "\(error)")
        case .configuration, .server, .protocolViolation:
            self = .misconfigured(reason: "\(error)")
        }
    }
}
