import Synchronization

/// Which session of a connection lives, and whether what its server holds may be believed.
///
/// A connection is made anew after a restart or failover of Redis, and the server may then hold an old snapshot. Whoever asks
/// for it with `onlyBelieved` is refused until somebody has looked and said so, for the very session that sends.
final class RedisBelief: Sendable {
    /// Sessions are numbered from 1; 0: there is none.
    private let session = Atomic<Int>(0)
    private let believed = Atomic<Int>(0)
    private let whenBegun = Mutex<(@Sendable () -> Void)?>(nil)

    var current: Int { session.load(ordering: .acquiring) }
    var isBelieved: Bool {
        let current = current
        return current != 0 && believed.load(ordering: .acquiring) == current
    }

    /// Is called each time a session begins, on the connection's loop.
    func whenBegun(_ body: @escaping @Sendable () -> Void) { whenBegun.withLock { $0 = body } }

    func begin(session number: Int) {
        session.store(number, ordering: .releasing)
        whenBegun.withLock { $0 }?()
    }
    func end() { session.store(0, ordering: .releasing) }
    func believe(session number: Int) { believed.store(number, ordering: .releasing) }
    func doubt() { believed.store(0, ordering: .releasing) }
}
