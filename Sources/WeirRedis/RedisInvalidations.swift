import Logging
import NIOCore

/// Tells which keys changed, so that what a node keeps in memory can follow Redis within a fraction of a second.
///
/// Uses `CLIENT TRACKING … REDIRECT … BCAST`, which needs two connections of its own in RESP2: one that is armed, one
/// that listens. If either ends or goes silent nothing can be relied on until both are back: ``Event/lost``, then
/// ``Event/armed``. A change is never dropped in silence; polling now and then is still wise.
package final class RedisInvalidations: Sendable {
    package enum Event: Sendable, Equatable {
        /// From here on changes are told. Read everything now. Also sent when too many changes piled up unread.
        case armed
        /// These keys were written, removed or expired. Each name once, in no order; how they changed is not told.
        case changed([String])
        /// The server was emptied (FLUSHALL, FLUSHDB). Read everything now.
        case flushed
        /// What was read may be out of date until the next `armed`.
        case lost
    }

    /// For one reader. Keeps a bounded number of names; what is unread is merged, never lost.
    package let events: AsyncStream<Event>

    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let prefixes: [String]
    private let logger: Logger
    private let buffer = RedisInvalidationBuffer()
    private let tracker: NIOLoopBoundBox<RedisTracker?>

    /// - Parameter prefixes: of the keys to follow; none may be the beginning of another. Empty means all keys.
    package init(
        configuration: RedisConfiguration, prefixes: [String], eventLoop: any EventLoop, logger: Logger
    ) {
        self.configuration = configuration
        self.prefixes = prefixes
        self.eventLoop = eventLoop
        self.logger = logger
        tracker = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: eventLoop)
        let buffer = buffer
        events = AsyncStream(unfolding: { await buffer.next() }, onCancel: { buffer.finish() })
    }

    /// Begins to connect and returns at once.
    package func start() {
        eventLoop.execute {
            guard self.tracker.value == nil else { return }
            let tracker = RedisTracker(
                configuration: self.configuration, prefixes: self.prefixes, buffer: self.buffer,
                loop: self.eventLoop.assumeIsolated(), logger: self.logger)
            self.tracker.value = tracker
            tracker.start()
        }
    }

    /// Ends both connections and the stream of events.
    package func close() async {
        await withUnsafeContinuation { continuation in
            eventLoop.execute {
                self.tracker.value?.close()
                self.buffer.finish()
                continuation.resume()
            }
        }
    }
}
