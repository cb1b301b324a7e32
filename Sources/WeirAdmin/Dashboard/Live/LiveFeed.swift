import Logging
import Synchronization

/// One poller that feeds all who look: however many there are, ledger and Redis are asked once.
final class LiveFeed: Sendable {
    /// More are refused; their pages say that they do not update by themselves.
    static let mostListeners = 64

    private struct State {
        var listeners: [Int: AsyncStream<LiveFacts>.Continuation] = [:]
        var nextID = 0
        var counts = MinuteCounts()
        var isOver = false
    }

    private let state = Mutex(State())

    /// By minute, so far.
    var counts: MinuteCounts { state.withLock { $0.counts } }
    var listenerCount: Int { state.withLock { $0.listeners.count } }

    /// What is read from now on: a page that begins to listen is newer than what was read before. A slow listener misses
    /// what is old. Nil: there are too many.
    func listen() -> AsyncStream<LiveFacts>? {
        state.withLock { state in
            guard !state.isOver, state.listeners.count < Self.mostListeners else { return nil }
            let (stream, continuation) = AsyncStream.makeStream(
                of: LiveFacts.self, bufferingPolicy: .bufferingNewest(1))
            let id = state.nextID
            state.nextID += 1
            state.listeners[id] = continuation
            continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
            return stream
        }
    }

    /// Reads every two seconds while somebody looks, else every five, until the task is cancelled.
    func run(_ read: @Sendable (inout MinuteCounts) async -> LiveFacts) async {
        while !Task.isCancelled {
            var counts = state.withLock { $0.counts }
            let facts = await read(&counts)
            let isWatched = state.withLock { state in
                state.counts = counts
                for listener in state.listeners.values { listener.yield(facts) }
                return !state.listeners.isEmpty
            }
            do { try await Task.sleep(for: .seconds(isWatched ? 2 : 5)) } catch { break }
        }
        end()
    }

    /// Ends all listeners, so that the server can end.
    func end() {
        let listeners = state.withLock { state in
            state.isOver = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        // Not within the lock: what ends a listener takes it again.
        for listener in listeners { listener.finish() }
    }
}
