import Logging
import Synchronization
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirEnforcer

/// Random histories of ups and downs, against what ``OutageState`` promises.
@Suite struct OutagePropertyTests {
    /// What an observer writes down of one node.
    private struct Observed {
        var nowMs = 0
        var openMs = 0
        var upMs = 0
        /// Of running calls what they took, of ended ones what they used.
        var micros = 0
    }

    /// One node under random events.
    private struct Node {
        let rules: Policy.Outage
        var state: OutageState
        var seen = Observed()
        var running: [Int] = []
        var failedAtMs = Int.min

        init(_ rules: Policy.Outage) {
            self.rules = rules
            state = OutageState(rules, nowMs: 0)
        }

        mutating func step(using generator: inout SeededGenerator) {
            let before = state.mode
            switch Int.random(in: 0..<10, using: &generator) {
            case 0...2: pass(Int.random(in: 0...5_000, using: &generator))
            case 3: pass(Int.random(in: 0...3_000_000, using: &generator))
            case 4:
                state.failed(nowMs: seen.nowMs)
                failedAtMs = seen.nowMs
                expect(before, becomes: before == .up ? [.open, .closed] : [before])
            case 5:
                let askedAtMs = seen.nowMs - Int.random(in: 0...2_000, using: &generator)
                state.answered(askedAtMs: askedAtMs, nowMs: seen.nowMs)
                let isCalm = failedAtMs == .min || askedAtMs - failedAtMs >= OutageState.calmMs
                expect(before, becomes: isCalm ? [.up] : [before])
            case 6, 7:
                let micros = Int.random(in: 0...rules.allowance.micros / 2, using: &generator)
                let would = state.wouldAdmit(micros: micros, nowMs: seen.nowMs)
                let isAdmitted = state.admit(micros: micros, nowMs: seen.nowMs)
                #expect(isAdmitted == would && (before == .open || !isAdmitted))
                if isAdmitted {
                    running.append(micros)
                    seen.micros += micros
                }
                expect(before, becomes: before == .open ? [.open, .closed] : [before])
            default:
                guard !running.isEmpty else { return }
                let taken = running.remove(at: Int.random(in: 0..<running.count, using: &generator))
                let used = Int.random(in: 0...taken, using: &generator)
                state.ended(taken: taken, used: used)
                seen.micros -= taken - used
                expect(before, becomes: [before])
            }
        }

        private func expect(_ before: OutageState.Mode, becomes modes: [OutageState.Mode]) {
            #expect(modes.contains(state.mode), "\(before) became \(state.mode)")
        }

        private mutating func pass(_ ms: Int) {
            let before = state
            state.advance(to: seen.nowMs + ms)
            switch before.mode {
            case .up: seen.upMs += ms
            case .open: seen.openMs += state.mode == .open ? ms : Self.openMs(before, seen.nowMs, ms)
            case .closed: break
            }
            expect(before.mode, becomes: before.mode == .open ? [.open, .closed] : [before.mode])
            seen.nowMs += ms
        }

        /// After how many of `ms` it closed: found by trying, not by asking it.
        private static func openMs(_ state: OutageState, _ nowMs: Int, _ ms: Int) -> Int {
            var (low, high) = (0, ms)
            while low < high {
                let middle = (low + high) / 2
                var copy = state
                copy.advance(to: nowMs + middle)
                if copy.mode == .closed { high = middle } else { low = middle + 1 }
            }
            return low
        }
    }

    private static func allowed(_ capacity: Int, upMs: Int) -> Int {
        capacity + Int(UInt128(capacity) * UInt128(upMs) / UInt128(OutageState.refillMs))
    }

    @Test(arguments: (0..<20).map { _ in SeededGenerator().seed })
    func `in any span it is open for at most T + φ·U, and N nodes admit at most N × (E + E·U / R)`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let rules = Policy.Outage(
            openForMs: Int.random(in: 1...200_000, using: &generator),
            allowance: MicroUSD(micros: Int.random(in: 2...2_000_000, using: &generator)))
        var spent = 0
        var bound = 0
        for _ in 0..<3 {
            var node = Node(rules)
            var history = [node.seen]
            for _ in 0..<600 {
                node.step(using: &generator)
                history.append(node.seen)
            }
            #expect(node.state.money.left >= 0 && node.state.time.left >= 0, "seed \(seed)")
            // A unit more, since what had leaked of the next one when the span began belongs to it.
            var (longest, dearest) = (0, 0)
            for _ in 0..<2_000 {
                let last = history[Int.random(in: 0..<history.count, using: &generator)]
                let first = history[Int.random(in: 0..<history.count, using: &generator)]
                guard first.nowMs <= last.nowMs else { continue }
                let upMs = last.upMs - first.upMs
                let (openMs, micros) = (last.openMs - first.openMs, last.micros - first.micros)
                longest = max(longest, openMs - Self.allowed(rules.openForMs, upMs: upMs))
                dearest = max(dearest, micros - Self.allowed(rules.allowance.micros, upMs: upMs))
            }
            #expect(longest <= 1 && dearest <= 1, "seed \(seed)")
            spent += node.seen.micros
            bound += Self.allowed(rules.allowance.micros, upMs: node.seen.upMs)
            #expect(node.seen.openMs <= Self.allowed(rules.openForMs, upMs: node.seen.upMs), "seed \(seed)")
        }
        #expect(spent <= bound, "seed \(seed)")
    }

    @Test(arguments: (0..<5).map { _ in SeededGenerator().seed })
    func `flapping without an hour of rest refills nothing to speak of`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let rules = Policy.Outage(openForMs: 60_000, allowance: MicroUSD(micros: 500_000))
        var state = OutageState(rules, nowMs: 0)
        var (nowMs, upMs, spent) = (0, 0, 0)
        for _ in 0..<100 {
            let up = Int.random(in: 1...1_999, using: &generator)
            nowMs += up
            upMs += up
            state.answered(askedAtMs: nowMs, nowMs: nowMs)
            state.failed(nowMs: nowMs)
            for _ in 0..<Int.random(in: 0...20, using: &generator) where state.admit(micros: 9_000, nowMs: nowMs) {
                state.ended(taken: 9_000, used: 9_000)
                spent += 9_000
            }
            nowMs += Int.random(in: 1...1_999, using: &generator)
            state.advance(to: nowMs)
        }
        #expect(spent > 0 && spent <= Self.allowed(500_000, upMs: upMs), "seed \(seed)")
    }

    @Test func `each change of state is one line in the log`() {
        let lines = Lines()
        let outages = Outages(logger: Logger(label: "test") { _ in lines })
        var policy = TestNode.policy
        policy.outage = .init(openForMs: 3_600_000, allowance: MicroUSD(micros: 100))
        policy.products["search"]?.outage = .init()
        let inForce = PolicyInForce(policy, published: "")
        outages.answered()
        for _ in 0..<10 { outages.failed(inForce, because: "test") }
        #expect(lines.states.withLock { $0 } == ["* open", "search closed"])
        for _ in 0..<10 {
            #expect(outages.admit(inForce, product: "default", cost: MicroUSD(micros: 101), isQuestion: false) == nil)
        }
        #expect(!outages.isUp && !outages.isOpen)
        for _ in 0..<10 { outages.wasRead(.now + .seconds(60)) }
        #expect(outages.isUp)
        let all = lines.states.withLock { $0 }
        #expect(all == ["* open", "search closed", "* closed", "* up", "search up"])
    }

    @Test func `callers at once never get more than the allowance together`() async {
        let outages = Outages(logger: .silent)
        var policy = TestNode.policy
        policy.outage = .init(openForMs: 3_600_000, allowance: MicroUSD(micros: 100_000))
        let inForce = PolicyInForce(policy, published: "")
        outages.failed(inForce, because: "test")
        let admitted = await withTaskGroup(of: Int.self) { group in
            for number in 0..<64 {
                group.addTask {
                    // Two products under one policy share its allowance.
                    let product = number.isMultiple(of: 2) ? "default" : "search"
                    return (0..<50).count { _ in
                        outages.admit(inForce, product: product, cost: MicroUSD(micros: 700), isQuestion: false) != nil
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 142, "142 × 700 = 99,400")
        #expect(outages.standings(inForce).map(\.remaining.micros) == [600])
    }
}

/// Of each line its product and state.
private final class Lines: LogHandler, Sendable {
    let states = Mutex<[String]>([])

    // Nobody sets these in the test.
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        states.withLock { $0.append("\(event.metadata?["product"] ?? "-") \(event.metadata?["state"] ?? "-")") }
    }
}
