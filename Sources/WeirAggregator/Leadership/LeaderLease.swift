import Synchronization

/// Which token this process leads by, and until when it may believe so by its own clock.
///
/// The clock goes on while the process is stopped, so whoever wakes after a long pause knows before its next write that it
/// no longer leads. What it had handed to the network by then is refused by the fence (lua/lib/fence.lua).
final class LeaderLease: Sendable {
    private struct Held {
        let token: Int
        let ends: ContinuousClock.Instant
    }

    private let held = Mutex<Held?>(nil)

    func hold(token: Int, until ends: ContinuousClock.Instant) {
        held.withLock { $0 = Held(token: token, ends: ends) }
    }

    func end() { held.withLock { $0 = nil } }

    func isHeld(token: Int) -> Bool {
        held.withLock { $0.map { $0.token == token && ContinuousClock.now < $0.ends } ?? false }
    }
}
