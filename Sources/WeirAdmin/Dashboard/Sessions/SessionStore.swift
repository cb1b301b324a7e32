import Crypto
import Synchronization
import WeirCore
import WeirLedger

/// The sessions of this process, in memory: a restart signs everybody out. An id is known by its SHA-256 alone.
final class SessionStore: Sendable {
    static let most = 1000

    private let sessions = Mutex<[SHA256.Digest: Session]>([:])

    /// A new session, and the id that the browser is to keep.
    func open(for actor: AdminActor, hasShownToken: Bool, atMs nowMs: Int) -> (id: String, session: Session) {
        let id = Self.random()
        let session = Session(
            actor: actor, hasShownToken: hasShownToken, formToken: Self.random(), createdAtMs: nowMs, seenAtMs: nowMs)
        sessions.withLock { sessions in
            sessions = sessions.filter { !$0.value.isOver(atMs: nowMs) }
            // Whoever has looked away for longest has to sign in again.
            if sessions.count >= Self.most, let idlest = sessions.min(by: { $0.value.seenAtMs < $1.value.seenAtMs }) {
                sessions[idlest.key] = nil
            }
            sessions[Self.digest(id)] = session
        }
        return (id, session)
    }

    /// The session with this id, which begins its idle time anew; nil: there is none, or it is over.
    func session(_ id: String, atMs nowMs: Int) -> Session? {
        sessions.withLock { sessions in
            let key = Self.digest(id)
            guard var session = sessions[key] else { return nil }
            guard !session.isOver(atMs: nowMs) else {
                sessions[key] = nil
                return nil
            }
            session.seenAtMs = max(session.seenAtMs, nowMs)
            sessions[key] = session
            return session
        }
    }

    /// Whether it goes on; asking is no use of it.
    func isOpen(_ id: String, atMs nowMs: Int) -> Bool {
        sessions.withLock { $0[Self.digest(id)].map { !$0.isOver(atMs: nowMs) } ?? false }
    }

    func close(_ id: String) { sessions.withLock { $0[Self.digest(id)] = nil } }

    private static func digest(_ id: String) -> SHA256.Digest { SHA256.hash(data: Array(id.utf8)) }

    /// 256 bits from the system, as hexadecimal digits.
    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// Whether two secrets are the same, in a time that says nothing about them.
func isSameSecret(_ left: String, _ right: String) -> Bool {
    SHA256.hash(data: Array(left.utf8)) == SHA256.hash(data: Array(right.utf8))
}
