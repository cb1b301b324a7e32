import Glibc
import Synchronization

/// Redis's time as this node knows it: its own clock, corrected by what Redis last said. It names periods and judges
/// what is kept in memory; everything that is charged is timed by Redis itself.
final class RedisClock: Sendable {
    private let offsetMs = Atomic<Int>(0)

    /// Milliseconds since 1970.
    var nowMs: Int { Self.ownMs + offsetMs.load(ordering: .relaxed) }

    func learn(redisMs: Int) { offsetMs.store(redisMs - Self.ownMs, ordering: .relaxed) }

    private static var ownMs: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
