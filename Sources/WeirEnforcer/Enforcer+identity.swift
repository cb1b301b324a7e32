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

    /// - Throws: `outage` where a key that is not there may only not be back yet: every key is published before a shard is
    ///   made ready for this run of Redis, and an old snapshot brings epochs of another run.
    private func readKey(sha256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord? {
        do throws(RedisError) {
            let connection = pool.connection(for: loop)
            if let record = try await connection.keyRecord(sha256: sha256) { return record }
            // Published, and the shard made ready, since it was asked for: so it is asked for once more.
            if try await connection.isReady(Shard(number: 0)) { return try await connection.keyRecord(sha256: sha256) }
        } catch { throw EnforcerError(error) }
        throw .outage(reason: "Redis has lost what it held, and is being filled again")
    }
}

extension RedisConnection {
    fileprivate func keyRecord(sha256: String) async throws(RedisError) -> APIKeyRecord? {
        let fields = try await send(["HGETALL", .string(RedisKeys.apiKey(sha256: sha256))]).pairs
        return APIKeyRecord(fields: Dictionary(fields) { first, _ in first })
    }

    /// Whether the shard has an epoch, and one for this run of the server.
    func isReady(_ shard: Shard) async throws(RedisError) -> Bool {
        try await run(ScriptCatalogue.ready, keys: [RedisKeys.epoch(shard)], arguments: []) == .integer(1)
    }

    /// As ``isReady(_:)``, of all these shards.
    func areReady(_ shards: [Shard]) async throws(RedisError) -> Bool {
        let answers = await run(ScriptCatalogue.ready, forEach: shards.map { [RedisKeys.epoch($0)] })
        for answer in answers where try answer.get() != .integer(1) { return false }
        return true
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
