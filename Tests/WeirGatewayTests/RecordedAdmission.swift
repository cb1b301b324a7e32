import NIOCore
import Synchronization
import WeirCore
import WeirEnforcer

@testable import WeirGateway

/// An engine that admits what it is told to and records every step, so that tests can count them.
final class RecordedAdmission: Admission {
    struct State {
        var admitted: [String] = []
        var settled: [UsageEvent] = []
        var released: [String] = []
        var renewed: [UsageEvent] = []
        var estimates: [Estimate] = []
        var candidates: [[Candidate]] = []
        var calls: [Call] = []
        var events: [UsageEvent] = []
    }

    let state = Mutex(State())
    let records: [String: APIKeyRecord]
    let rules: Policy
    let decide: @Sendable (Call) throws(EnforcerError) -> Denial?
    /// Which candidate serves, and what its answer is shortened to.
    let serving: Int
    let bound: Reservation.Bound?
    let renewalInterval: Duration
    private let next = Atomic(0)

    init(
        records: [String: APIKeyRecord], policy: Policy, renewalInterval: Duration = .seconds(10),
        serving: Int = 0, bound: Reservation.Bound? = nil,
        decide: @escaping @Sendable (Call) throws(EnforcerError) -> Denial? = { _ in nil }
    ) {
        self.records = records
        rules = policy
        self.renewalInterval = renewalInterval
        (self.serving, self.bound) = (serving, bound)
        self.decide = decide
    }

    var now: State { state.withLock { $0 } }
    /// Reservations that are neither settled nor released, or both, or one of them twice.
    var unbalanced: [String] {
        let state = now
        let ends = state.settled.map(\.id) + state.released
        return state.admitted.filter { id in ends.count { $0 == id } != 1 }
    }

    func policy() throws(EnforcerError) -> Policy { rules }
    func prices() throws(EnforcerError) -> PriceTable {
        do { return try testPrices.get() } catch { throw .misconfigured(reason: "\(error)") }
    }
    var unreadyReason: String? { nil }
    var outboxStatus: Outbox.Status? { nil }

    func identify(keySHA256: String, on loop: any EventLoop) async throws(EnforcerError) -> APIKeyRecord? {
        records[keySHA256]
    }

    func makeReservationID() -> String {
        let digits = String(next.wrappingAdd(1, ordering: .relaxed).newValue)
        return "01" + String(repeating: "0", count: 24 - digits.count) + digits
    }

    func admit(
        _ call: Call, candidates: [Candidate], event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Decision {
        if let denial = try decide(call) { return .denied(denial) }
        let served = min(serving, candidates.count - 1)
        state.withLock {
            $0.admitted.append(event.id)
            $0.estimates.append(candidates[served].estimate)
            $0.candidates.append(candidates)
            $0.calls.append(call)
            $0.events.append(event)
        }
        return .admitted(
            Reservation(
                id: event.id, admittedAtMs: 1_763_700_000_000, leaseMs: 30_000,
                call: call.served(by: candidates[served]), candidate: served, bound: bound, shard: 0,
                holds: [
                    .init(
                        limit: "ai-calls", subject: "user:acme/alice", unit: .requests, key: "k",
                        counter: .log(windowMs: 60_000), held: 1, amount: 5, remaining: 4, resetsInMs: 60_000)
                ]))
    }

    var announcements: Int { 0 }

    func renew(
        _ reservation: Reservation, observed event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) {
        state.withLock { $0.renewed.append(event) }
    }

    func settle(_ reservation: Reservation, as event: UsageEvent, on loop: any EventLoop) async {
        loop.assertInEventLoop()
        state.withLock { $0.settled.append(event) }
    }

    func release(_ reservation: Reservation, on loop: any EventLoop) async {
        loop.assertInEventLoop()
        state.withLock { $0.released.append(reservation.id) }
    }

    // Of reservations that others made it knows nothing: the decision API is tested with the engine itself.
    var nowMs: Int { 1_763_700_000_000 }

    func find(_ id: String, team: String, on loop: any EventLoop) async throws(EnforcerError) -> FoundReservation {
        .unknown
    }

    func hold(
        _ reservation: RecordedReservation, leaseMs: Int, observed event: UsageEvent, on loop: any EventLoop
    ) async throws(EnforcerError) -> Bool { now.admitted.contains(reservation.id) }

    func settle(_ reservation: RecordedReservation, as event: UsageEvent, on loop: any EventLoop) async {
        state.withLock { $0.settled.append(event) }
    }

    func release(_ reservation: RecordedReservation, on loop: any EventLoop) async {
        state.withLock { $0.released.append(reservation.id) }
    }

    func standing(
        of calls: [Call], model: String?, on loop: any EventLoop
    ) async throws(EnforcerError) -> Standing { throw .degraded(reason: "only the engine knows counters") }

    func drain(deadline: ContinuousClock.Instant) async -> Int { 0 }
}
