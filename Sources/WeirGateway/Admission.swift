import NIOCore
import WeirCore
import WeirEnforcer
import WeirRedis
import WeirTelemetry

/// What the edge asks of the decision engine. A protocol, so that the tests of the edge can make the engine fail at
/// every step, and count that each call was settled or released exactly once.
package protocol Admission: Sendable {
    func policy() throws(EnforcerError) -> Policy
    /// The prices in force now.
    func prices() throws(EnforcerError) -> PriceTable
    var unreadyReason: String? { get }
    /// Under each outage policy, for health pages and metrics.
    var outageStandings: [OutageStanding] { get }
    func identify(keySHA256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord?
    var renewalInterval: Duration { get }
    /// Grows when every call that lives should be renewed at once.
    var announcements: Int { get }
    func makeReservationID() -> String
    func admit(_ call: Call, candidates: [Candidate], event: UsageEvent, on loop: any EventLoop)
        async throws(EnforcerError) -> Decision
    func renew(_ reservation: Reservation, observed event: UsageEvent, on loop: any EventLoop)
        async throws(EnforcerError)
    func settle(_ reservation: Reservation, as event: UsageEvent, on loop: any EventLoop) async
    func release(_ reservation: Reservation, on loop: any EventLoop) async
    // What the decision API asks besides.
    /// Redis's time as far as known, milliseconds since 1970.
    var nowMs: Int { get }
    func find(_ id: String, team: String, on loop: any EventLoop) async throws(EnforcerError) -> FoundReservation
    func hold(_ reservation: RecordedReservation, leaseMs: Int, observed event: UsageEvent, on loop: any EventLoop)
        async throws(EnforcerError) -> Bool
    func settle(_ reservation: RecordedReservation, as event: UsageEvent, on loop: any EventLoop) async
    func release(_ reservation: RecordedReservation, on loop: any EventLoop) async
    func standing(of calls: [Call], model: String?, on loop: any EventLoop) async throws(EnforcerError) -> Standing
    func drain(deadline: ContinuousClock.Instant) async -> Int
    /// How this node's outbox stands; nil: it has none.
    var outboxStatus: Outbox.Status? { get }
    /// Settlements and releases that do not stand yet.
    var unsettledCount: Int { get }
    /// How the connections to the store are, for `/metrics`.
    func showStore(on registry: MetricsRegistry)
}

extension Admission {
    package var outageStandings: [OutageStanding] { [] }
    package var unsettledCount: Int { 0 }
    package func showStore(on registry: MetricsRegistry) {}
}

extension Enforcer: Admission {
    package func showStore(on registry: MetricsRegistry) { store.show(on: registry) }
}
