import WeirCore

/// What one node may do under one outage policy, and how much of it is left: a pure value, told what happens and when.
///
///     up ── Redis gives no answer ──▶ open ── time or money used up ──▶ closed
///      ◀────────── Redis has answered, and for ``calmMs`` nothing failed ──────────
///
/// While it is open, a call that Redis gives no answer to may be admitted blind. Both time and money are leaky buckets:
/// they leak only while Redis is up, and at no other event, so flapping fills nothing. With T the policy's `open_for`,
/// E its `allowance`, R = ``refillMs``, and U the time for which Redis was up in a span of any length H ≥ U:
///
/// - it is open for at most T + φ·U, φ = T / R;
/// - what was admitted blind, the running calls by their estimates and the others by what they cost, is at most
///   E + E·U / R, as long as no call costs more than its estimate.
struct OutageState: Sendable, Hashable {
    enum Mode: String, Sendable, Hashable, CaseIterable { case up, open, closed }

    /// Why it closed.
    enum Closing: String, Sendable, Hashable {
        case policy = "the policy allows nothing blind"
        case time = "open_for is used up"
        case money = "the allowance is used up"
    }

    /// An empty allowance is whole again when Redis has been up for so long: operators think of outages by the hour.
    static let refillMs = 3_600_000
    /// Redis counts as up again when nothing has failed for so long: one answer among failures is not the end of them.
    static let calmMs = 1_000

    private(set) var mode = Mode.up
    private(set) var closing: Closing?
    private(set) var time: LeakyBucket
    private(set) var money: LeakyBucket
    /// Blind calls that have not ended: they may give back what they do not use.
    private(set) var running = 0
    private var rules: Policy.Outage
    private var atMs: Int
    private var failedAtMs: Int

    /// - Parameter nowMs: as in every step, of a clock that never goes back.
    init(_ rules: Policy.Outage, nowMs: Int) {
        self.rules = rules
        time = LeakyBucket(capacity: rules.openForMs)
        money = LeakyBucket(capacity: rules.allowance.micros)
        (atMs, failedAtMs) = (nowMs, nowMs)
    }

    /// Time passes: it leaks while Redis is up, and is used up while open.
    mutating func advance(to nowMs: Int) {
        let passedMs = nowMs.addingSaturated(-atMs)
        guard passedMs > 0 else { return }
        atMs = nowMs
        switch mode {
        case .up:
            time.leak(ms: passedMs)
            money.leak(ms: passedMs)
        case .open:
            time.add(min(passedMs, time.left))
            if time.left == 0 { close(.time) }
        case .closed: break
        }
    }

    /// Another policy: what was used stays used.
    mutating func follow(_ rules: Policy.Outage, nowMs: Int) {
        guard rules != self.rules else { return }
        advance(to: nowMs)
        self.rules = rules
        time.resize(rules.openForMs)
        money.resize(rules.allowance.micros)
        if mode == .open, let closing = exhausted { close(closing) }
    }

    /// Redis gave no answer, or a shard was not ready.
    mutating func failed(nowMs: Int) {
        advance(to: nowMs)
        failedAtMs = max(failedAtMs, nowMs)
        guard mode == .up else { return }
        if let closing = exhausted { close(closing) } else { mode = .open }
    }

    /// Redis gave an answer to what was asked at `askedAtMs`.
    mutating func answered(askedAtMs: Int, nowMs: Int) {
        advance(to: nowMs)
        guard mode != .up, askedAtMs.addingSaturated(-failedAtMs) >= Self.calmMs else { return }
        (mode, closing) = (.up, nil)
    }

    /// A call that Redis gave no answer to asks for so many micro-dollars, its estimate.
    ///
    /// - Returns: whether it is admitted. It ends with ``ended(taken:used:)``.
    mutating func admit(micros: Int, nowMs: Int) -> Bool {
        advance(to: nowMs)
        guard mode == .open else { return false }
        if money.take(micros) {
            running += 1
            return true
        }
        // As long as calls run that may give something back, the next one may fit.
        if running == 0 { close(.money) }
        return false
    }

    /// What ``admit(micros:nowMs:)`` would answer. Takes nothing.
    mutating func wouldAdmit(micros: Int, nowMs: Int) -> Bool {
        advance(to: nowMs)
        return mode == .open && micros <= money.left
    }

    /// A blind call has ended: what it took is replaced by what it used.
    mutating func ended(taken: Int, used: Int) {
        running = max(0, running - 1)
        money.add(max(0, used).addingSaturated(-max(0, taken)))
    }

    private var exhausted: Closing? {
        if rules.openForMs <= 0 || rules.allowance.micros <= 0 { return .policy }
        return time.left == 0 ? .time : money.left == 0 ? .money : nil
    }

    private mutating func close(_ closing: Closing) { (mode, self.closing) = (.closed, closing) }
}
