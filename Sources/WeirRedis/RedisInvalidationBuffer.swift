import Synchronization

/// What the reader of the events has not seen yet, merged so that its size is bounded.
///
/// At most: one `lost`, then one order to read everything, then the names that changed since.
final class RedisInvalidationBuffer: Sendable {
    typealias Event = RedisInvalidations.Event

    /// More unread names than this become an order to read everything.
    static let maximumNames = 4096

    private struct Pending {
        var isLost = false
        /// `armed` or `flushed`: both make the reader read everything, so names that come after add nothing.
        var readAll: Event?
        var changed: Set<String> = []
        var isFinished = false
        var reader: UnsafeContinuation<Event?, Never>?

        mutating func merge(_ event: Event) {
            switch event {
            case .lost:
                isLost = true
                readAll = nil
                changed = []
            case .armed:
                readAll = .armed
                changed = []
            case .flushed:
                readAll = readAll ?? .flushed
                changed = []
            case .changed(let names):
                guard readAll == nil else { return }
                changed.formUnion(names)
                if changed.count > RedisInvalidationBuffer.maximumNames { merge(.armed) }
            }
        }

        mutating func next() -> Event? {
            if isLost {
                isLost = false
                return .lost
            }
            if let event = readAll {
                readAll = nil
                return event
            }
            guard !changed.isEmpty else { return nil }
            defer { changed = [] }
            return .changed(Array(changed))
        }
    }

    private let pending = Mutex(Pending())

    func add(_ event: Event) {
        let (reader, next) = pending.withLock { pending -> (UnsafeContinuation<Event?, Never>?, Event?) in
            guard !pending.isFinished else { return (nil, nil) }
            pending.merge(event)
            guard let reader = pending.reader, let next = pending.next() else { return (nil, nil) }
            pending.reader = nil
            return (reader, next)
        }
        reader?.resume(returning: next)
    }

    /// The next event; nil when there are no more. A second reader at the same time gets nil.
    func next() async -> Event? {
        await withUnsafeContinuation { reader in
            let (isDone, event) = pending.withLock { pending -> (Bool, Event?) in
                if pending.isFinished || pending.reader != nil { return (true, nil) }
                if let event = pending.next() { return (true, event) }
                pending.reader = reader
                return (false, nil)
            }
            if isDone { reader.resume(returning: event) }
        }
    }

    func finish() {
        let reader = pending.withLock { pending in
            pending.isFinished = true
            defer { pending.reader = nil }
            return pending.reader
        }
        reader?.resume(returning: nil)
    }
}
