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

    /// - Throws: `outage` where a key that is not there may only not be back yet: keys are published before the policy.
    private func readKey(sha256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord? {
        do throws(RedisError) {
            let connection = pool.connection(for: loop)
            let fields = try await connection.send(["HGETALL", .string(RedisKeys.apiKey(sha256: sha256))]).pairs
            if let record = APIKeyRecord(fields: Dictionary(fields) { first, _ in first }) { return record }
            if try await connection.send(["EXISTS", .string(RedisKeys.policy)]) == .integer(1) { return nil }
        } catch { throw EnforcerError(error) }
        throw .outage(reason: "Redis has lost what it held, and is being filled again")
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
