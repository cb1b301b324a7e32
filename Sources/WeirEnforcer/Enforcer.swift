import Logging
import NIOCore
import WeirCore
import WeirRedis

/// The one engine behind every door: identifies, gates, admits, and settles what was admitted.
public final class Enforcer: Sendable {
    public struct Configuration: Sendable {
        /// How long a reservation is held unless renewed. Renew at a third of it.
        public var lease: Duration
        public init(lease: Duration = .seconds(30)) { self.lease = lease }
    }

    package init(configuration: Configuration, pool: RedisPool, group: any EventLoopGroup, logger: Logger) {
        fatalError("in the works")
    }

    /// Connects, checks `weir:meta`, loads the scripts and the replica of policy, keys, limited set and kill switch.
    /// Returns when the node may serve.
    package func start() async throws(EnforcerError) { fatalError() }

    /// The policy in force on this node.
    package var policy: Policy { fatalError() }

    /// Nil when the node may serve; else why not (for `/readyz`).
    package var unreadyReason: String? { fatalError() }

    /// What the API key with this SHA-256 (64 hex digits) stands for; nil for an unknown, revoked or expired key.
    package func identify(keySHA256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord? {
        fatalError()
    }

    /// A new reservation's id: a ULID by Redis's time, unique across nodes.
    package func makeReservationID() -> String { fatalError() }

    /// Kill switch, limited set, and every limit that covers the call: reserved in all of them, or denied and nothing
    /// charged. (Whether the key may use the model is the door's to ask beforehand.)
    /// - Parameter event: the usage event as it would be if the node died now; completed by the reaper.
    package func admit(_ call: Call, estimate: Estimate, event: UsageEvent, on loop: any EventLoop)
        async throws(EnforcerError) -> Decision
    { fatalError() }

    /// Holds the reservation for another lease and records what was observed so far. Every lease / 3 while a call lives.
    package func renew(_ reservation: Reservation, observed event: UsageEvent, on loop: any EventLoop)
        async throws(EnforcerError)
    { fatalError() }

    /// Replaces the reservation by the real usage and hands the event on. Returns when it stands or has been put on the
    /// list of those that are repeated, with the same id, until they stand. `event.id` is the reservation's id.
    package func settle(_ reservation: Reservation, as event: UsageEvent, on loop: any EventLoop) async { fatalError() }

    /// Gives everything back: the call never reached a provider. Repeated until it stands, like ``settle(_:as:on:)``.
    package func release(_ reservation: Reservation, on loop: any EventLoop) async { fatalError() }

    /// Waits until every settlement and release stands, at most until `deadline`. Returns how many do not.
    package func drain(deadline: ContinuousClock.Instant) async -> Int { fatalError() }

    package func stop() async { fatalError() }
}
