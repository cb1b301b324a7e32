import Logging
import Synchronization
import WeirCore

/// The outage states of a node: one for each product that has an outage policy of its own, one for all others together,
/// so that nobody gets the allowance twice by using two products. That Redis is away holds for all of them at once.
///
/// While Redis is up it costs a call one atomic load.
final class Outages: Sendable {
    private struct Entry {
        var state: OutageState
        var calls = 0
        var spentMicros = 0
    }

    private struct State {
        /// By ``Scope``'s text.
        var entries: [String: Entry] = [:]
        /// The policy that ``entries`` follow.
        var policy: PolicyInForce?
        /// When Redis last decided a call since the first failure.
        var decidedAtMs: Int?
    }

    /// All products without a policy of their own. No product can be named so.
    static let others = "*"

    private let logger: Logger
    private let isUpFlag = Atomic<Bool>(true)
    private let state = Mutex(State())
    private let origin = ContinuousClock.now

    init(logger: Logger) { self.logger = logger }

    /// False from the first failure until Redis is up again.
    var isUp: Bool { isUpFlag.load(ordering: .relaxed) }

    /// Whether any call may be admitted blind now.
    var isOpen: Bool { update { $0.entries.values.contains { $0.state.mode == .open } } }

    /// Redis gave no answer, or a shard was not ready.
    func failed(_ policy: PolicyInForce, because reason: String) {
        update(because: reason) { state, nowMs in
            Self.follow(policy, &state, nowMs)
            for name in state.entries.keys { state.entries[name]?.state.failed(nowMs: nowMs) }
        }
    }

    /// Redis has decided a call.
    func answered() {
        if isUp { return }
        update { state, nowMs in
            state.decidedAtMs = nowMs
            Self.answered(askedAtMs: nowMs, &state, nowMs)
        }
    }

    /// Redis could be read, which says nothing of decisions.
    func wasRead(_ at: ContinuousClock.Instant) {
        if isUp { return }
        update { state, nowMs in Self.answered(askedAtMs: ms(at), &state, nowMs) }
    }

    private static func answered(askedAtMs: Int, _ state: inout State, _ nowMs: Int) {
        for name in state.entries.keys {
            state.entries[name]?.state.answered(askedAtMs: askedAtMs, nowMs: nowMs)
        }
    }

    /// Whether calls are denied for want of an answer: nothing is admitted blind, and Redis has decided nothing for
    /// ``OutageState/calmMs``. One that decides most calls and fails some leaves the node of use.
    var isShut: Bool {
        if isUp { return false }
        return update { state, nowMs in
            if state.entries.values.contains(where: { $0.state.mode != .closed }) { return false }
            return state.decidedAtMs.map { nowMs - $0 >= OutageState.calmMs } ?? true
        }
    }

    /// Asks for leave to make a call that Redis gave no answer to.
    ///
    /// - Parameter isQuestion: only asked: takes nothing.
    /// - Returns: what is to be given back when it has ended; nil: it must not be made.
    func admit(
        _ policy: PolicyInForce, product: String, cost: MicroUSD, isQuestion: Bool
    ) -> Reservation.Blind? {
        let scope = policy.policy.products[product]?.outage == nil ? Self.others : product
        let micros = max(0, cost.micros)
        let isAdmitted = update { state, nowMs in
            Self.follow(policy, &state, nowMs)
            if isQuestion { return state.entries[scope]?.state.wouldAdmit(micros: micros, nowMs: nowMs) ?? false }
            guard state.entries[scope]?.state.admit(micros: micros, nowMs: nowMs) == true else { return false }
            state.entries[scope]?.calls += 1
            return true
        }
        return isAdmitted ? Reservation.Blind(allowance: scope, taken: MicroUSD(micros: micros)) : nil
    }

    /// A blind call has ended and cost so much.
    func ended(_ blind: Reservation.Blind, cost: MicroUSD) {
        state.withLock { state in
            state.entries[blind.allowance]?.state.ended(taken: blind.taken.micros, used: cost.micros)
            let spent = state.entries[blind.allowance]?.spentMicros ?? 0
            state.entries[blind.allowance]?.spentMicros = spent.addingSaturated(max(0, cost.micros))
        }
    }

    /// How it stands, under the policy that is in force, if there is one.
    func standings(_ policy: PolicyInForce?) -> [OutageStanding] {
        update { state, nowMs in
            if let policy { Self.follow(policy, &state, nowMs) }
            return state.entries.sorted { $0.key < $1.key }.map { name, entry in
                OutageStanding(
                    product: name, state: entry.state.mode.rawValue,
                    remaining: MicroUSD(micros: entry.state.money.left), remainingMs: entry.state.time.left,
                    calls: entry.calls, spent: MicroUSD(micros: entry.spentMicros))
            }
        }
    }

    /// States of products that the policy does not name any more stay as they are: their calls may still be running.
    private static func follow(_ policy: PolicyInForce, _ state: inout State, _ nowMs: Int) {
        guard state.policy !== policy else { return }
        state.policy = policy
        var rules = [others: policy.policy.outage]
        for (name, product) in policy.policy.products { rules[name] = product.outage }
        for (name, rules) in rules {
            if state.entries[name] == nil { state.entries[name] = Entry(state: OutageState(rules, nowMs: nowMs)) }
            state.entries[name]?.state.follow(rules, nowMs: nowMs)
        }
        // Whose own policy was taken back closes: its calls come under that of all others.
        for name in state.entries.keys where rules[name] == nil {
            state.entries[name]?.state.follow(Policy.Outage(), nowMs: nowMs)
        }
    }

    /// One step, with the time; each change of a mode that it makes is a line in the log.
    @discardableResult
    private func update<Result: Sendable>(
        because reason: String? = nil, _ body: (inout State, Int) -> Result
    ) -> Result {
        let nowMs = ms(.now)
        let (result, changes) = state.withLock { state in
            let before = state.entries.mapValues(\.state.mode)
            for name in state.entries.keys { state.entries[name]?.state.advance(to: nowMs) }
            let result = body(&state, nowMs)
            let changes = state.entries.filter { $0.value.state.mode != before[$0.key] ?? .up }.mapValues(\.state)
            let isUp = state.entries.values.allSatisfy { $0.state.mode == .up }
            if isUp { state.decidedAtMs = nil }
            isUpFlag.store(isUp, ordering: .relaxed)
            return (result, changes)
        }
        for (name, state) in changes.sorted(by: { $0.key < $1.key }) { tell(name, state, reason) }
        return result
    }

    private func update<Result: Sendable>(_ body: (State) -> Result) -> Result {
        update { state, _ in body(state) }
    }

    private func tell(_ name: String, _ state: OutageState, _ reason: String?) {
        var metadata: Logger.Metadata = ["product": "\(name)", "state": "\(state.mode.rawValue)"]
        if let reason { metadata["redis"] = "\(reason)" }
        switch state.mode {
        case .up: logger.notice("outage: Redis is back", metadata: metadata)
        case .open:
            metadata["open_for_ms"] = "\(state.time.left)"
            metadata["allowance"] = "\(MicroUSD(micros: state.money.left))"
            logger.error("outage: calls are admitted blind", metadata: metadata)
        case .closed:
            metadata["because"] = "\(state.closing?.rawValue ?? "")"
            logger.error("outage: nothing is admitted without Redis", metadata: metadata)
        }
    }

    private func ms(_ time: ContinuousClock.Instant) -> Int { origin.duration(to: time).wholeMilliseconds }
}
