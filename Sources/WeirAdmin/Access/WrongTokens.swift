import Synchronization

/// Which addresses have shown too many wrong tokens lately.
///
/// Counted are different tokens: a program that goes on with one that was revoked is not guessing, and must not lock out
/// the operators at its address.
final class WrongTokens: Sendable {
    /// Different wrong tokens of one address in a minute, from which on it is refused.
    static let most = 10
    static let spanMs = 60_000
    /// Further addresses are counted together, so that nobody can fill the memory.
    private static let mostAddresses = 10_000

    private struct Attempt { let digest: String, atMs: Int }
    private let attempts = Mutex<[String: [Attempt]]>([:])

    /// Counts one. True if it made its address one that is refused.
    func note(_ digest: String, from address: String, nowMs: Int) -> Bool {
        attempts.withLock { attempts in
            if attempts.count >= Self.mostAddresses {
                attempts = attempts.filter { $0.value.contains { $0.atMs > nowMs - Self.spanMs } }
            }
            let address = attempts[address] != nil || attempts.count < Self.mostAddresses ? address : ""
            var recent = (attempts[address] ?? []).filter { $0.atMs > nowMs - Self.spanMs }
            guard recent.count < Self.most, !recent.contains(where: { $0.digest == digest }) else { return false }
            recent.append(Attempt(digest: digest, atMs: nowMs))
            attempts[address] = recent
            return recent.count == Self.most
        }
    }

    /// How long the address is refused for, in seconds; nil: it is not.
    func retryAfter(_ address: String, nowMs: Int) -> Int? {
        attempts.withLock { attempts in
            let recent = (attempts[address] ?? attempts[""] ?? []).filter { $0.atMs > nowMs - Self.spanMs }
            guard recent.count >= Self.most, let oldest = recent.first else { return nil }
            return max(1, (oldest.atMs + Self.spanMs - nowMs + 999) / 1000)
        }
    }
}
