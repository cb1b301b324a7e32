import Synchronization
import WeirCore

/// API keys by the SHA-256 of their text, known ones and unknown ones, for a bounded time and in a bounded number.
///
/// A key that is revoked while its record is on the way here must not be kept: whoever reads a record takes a
/// ``Generation`` before asking, and what has been forgotten since is not kept.
final class KeyCache: Sendable {
    typealias Generation = UInt64

    enum Answer { case known(APIKeyRecord?), ask(Generation) }

    /// A record is read again after this time, however quiet Redis is.
    static let hardAge: Duration = .seconds(30)
    static let unknownAge: Duration = .seconds(5)
    /// Beyond it all are forgotten: guessed keys must not fill the memory.
    static let largestCount = 100_000

    private struct Entry {
        let record: APIKeyRecord?
        let readAt: ContinuousClock.Instant
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var generation: Generation = 0
        /// False while nobody tells of changes.
        var mayKeep = false
    }

    private let state = Mutex(State())

    func answer(for sha256: String, now: ContinuousClock.Instant = .now) -> Answer {
        state.withLock { state in
            guard let entry = state.entries[sha256],
                entry.readAt.duration(to: now) < (entry.record == nil ? Self.unknownAge : Self.hardAge)
            else { return .ask(state.generation) }
            return .known(entry.record)
        }
    }

    func keep(
        _ record: APIKeyRecord?, for sha256: String, since generation: Generation,
        now: ContinuousClock.Instant = .now
    ) {
        state.withLock { state in
            guard state.mayKeep, state.generation == generation else { return }
            if state.entries.count >= Self.largestCount { state.entries.removeAll(keepingCapacity: true) }
            state.entries[sha256] = Entry(record: record, readAt: now)
        }
    }

    func forget(_ sha256: String) {
        state.withLock { state in
            state.generation += 1
            state.entries[sha256] = nil
        }
    }

    /// - Parameter mayKeep: whether changes are told from now on.
    func forgetAll(mayKeep: Bool) {
        state.withLock { state in
            state.generation += 1
            state.entries.removeAll()
            state.mayKeep = mayKeep
        }
    }
}
