import Synchronization
import WeirCore

/// What Redis answered, also that there is nothing, for a bounded time and in a bounded number.
///
/// What is changed while its answer is on the way here must not be kept: whoever asks takes a ``Generation`` before, and
/// what has been forgotten since is not kept.
final class TrackedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Generation = UInt64

    enum Answer { case known(Value?), ask(Generation) }

    private struct Entry {
        let value: Value?
        let readAt: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var generation: Generation = 0
        /// False while nobody tells of changes: then what is here is the last known, and none of it fresh.
        var isFollowing = false
        /// What was read before is the last known, and not fresh; nil: nothing is doubted.
        var doubtedAt: ContinuousClock.Instant?
    }

    /// An answer is asked for again after this time, however quiet Redis is; one that said "nothing" after its own.
    private let knownAge: Duration
    private let unknownAge: Duration
    /// Beyond it all are forgotten: what callers make up must not fill the memory.
    private let largestCount: Int
    private let state = Mutex(State())

    init(knownAge: Duration, unknownAge: Duration, largestCount: Int) {
        self.knownAge = knownAge
        self.unknownAge = unknownAge
        self.largestCount = largestCount
    }

    func answer(for key: Key, now: ContinuousClock.Instant = .now) -> Answer {
        state.withLock { state in
            guard let entry = state.entries[key], isFresh(entry, state, now) else { return .ask(state.generation) }
            return .known(entry.value)
        }
    }

    /// What was answered last and has not changed since as far as was told, whatever its age; nil: nothing.
    func lastKnown(_ key: Key) -> Value? { state.withLock { $0.entries[key]?.value } }

    /// For several keys at once: the values that there are, by place, and the places that must be asked for.
    func answers(
        for keys: some Collection<Key>, now: ContinuousClock.Instant = .now
    ) -> (known: [Int: Value], missing: [Int], generation: Generation) {
        state.withLock { state in
            var known: [Int: Value] = [:]
            var missing: [Int] = []
            var place = 0
            for key in keys {
                if let entry = state.entries[key], isFresh(entry, state, now) {
                    if let value = entry.value { known[place] = value }
                } else {
                    missing.append(place)
                }
                place += 1
            }
            return (known, missing, state.generation)
        }
    }

    private func isFresh(_ entry: Entry, _ state: State, _ now: ContinuousClock.Instant) -> Bool {
        guard state.isFollowing, entry.readAt.duration(to: now) < (entry.value == nil ? unknownAge : knownAge) else {
            return false
        }
        return state.doubtedAt.map { entry.readAt > $0 } ?? true
    }

    func keep(_ value: Value?, for key: Key, since generation: Generation, now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            guard state.generation == generation else {
                // Something has changed meanwhile, maybe this: then what was known before is no longer the last.
                if let entry = state.entries[key], !isFresh(entry, state, now) { state.entries[key] = nil }
                return
            }
            if state.entries.count >= largestCount { state.entries.removeAll(keepingCapacity: true) }
            state.entries[key] = Entry(value: value, readAt: now)
        }
    }

    func forget(_ key: Key) {
        state.withLock { state in
            state.generation += 1
            state.entries[key] = nil
        }
    }

    /// Changes are told from now on, and what there was before may have changed: it is forgotten.
    func follow() {
        state.withLock { state in
            state.generation += 1
            state.entries.removeAll()
            state.isFollowing = true
        }
    }

    /// Redis was emptied: all that is here is the last known, until it is asked for again.
    func doubt(now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            state.generation += 1
            state.doubtedAt = now
        }
    }

    /// Changes are told no more: all that is here is the last known.
    func lose() {
        state.withLock { state in
            state.generation += 1
            state.isFollowing = false
        }
    }
}

/// API keys by the SHA-256 of their text, known ones and unknown ones.
typealias KeyCache = TrackedCache<String, APIKeyRecord>

extension KeyCache {
    static var hardAge: Duration { .seconds(30) }
    static var unknownAge: Duration { .seconds(5) }
    static var largestCount: Int { 100_000 }

    convenience init() {
        self.init(knownAge: Self.hardAge, unknownAge: Self.unknownAge, largestCount: Self.largestCount)
    }
}
