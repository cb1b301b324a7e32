import NIOCore
import Synchronization
import Testing
import WeirCore
import WeirTestSupport

@testable import WeirEnforcer

/// The bounds that README states for each way to reserve: 64 callers at once, until the budget denies them all.
@Suite struct ReserveModeTests {
    static let callers = 64
    static let amount = 2_000_000

    /// Input of 1,000 bytes at 1 micro-dollar, up to 4,000 tokens of output at 5.
    static let estimate = Estimate(
        tokens: 5_000, cost: MicroUSD(micros: 21_000), inputTokens: 1_000, inputCost: MicroUSD(micros: 1_000),
        observed: TokenUsage(input: 250), observedCost: MicroUSD(micros: 250))

    static func policy(_ reserve: Limit.Reserve) -> Policy {
        var policy = TestNode.policy
        policy.limits = [
            Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), amount: amount, reserve: reserve)
        ]
        return policy
    }

    final class Books: Sendable {
        private let tally = Mutex(Tally())

        @discardableResult
        func enter<Result: Sendable>(_ body: (inout Tally) -> Result) -> Result { tally.withLock { body(&$0) } }
    }

    struct Tally: Sendable {
        var live = 0
        var admitted = 0
        var mostLive = 0
        /// The most by which one call went beyond what it held.
        var mostBeyond = 0
        var settled = 0
        var expected = 0
    }

    @Test(arguments: Limit.Reserve.allCases, [1, UInt64.random(in: 2...(.max))])
    func `64 callers at once end above the amount by no more than the bound`(reserve: Limit.Reserve, seed: UInt64)
        async throws
    {
        let books = Books()
        try await TestNode.run(policy: Self.policy(reserve)) { (node) async throws in
            // What is used is within the upper bound: only what is held differs.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<Self.callers {
                    group.addTask {
                        var generator = SeededGenerator(seed: seed &+ UInt64(caller))
                        while true {
                            // Most answers are short, some are as long as they may be.
                            let isLong = Int.random(in: 0..<20, using: &generator) == 0
                            let usage = TokenUsage(
                                input: .random(in: 100...1_000, using: &generator),
                                output: isLong ? 4_000 : .random(in: 0...800, using: &generator))
                            var event = node.event()
                            guard
                                case .admitted(let reservation) = try await node.enforcer.admit(
                                    TestNode.call(), estimate: Self.estimate, event: event, on: node.loop)
                            else { return }
                            let held = reservation.holds[0].held
                            (event.tokens, event.cost) = (usage, MicroUSD(micros: usage.input + 5 * usage.output))
                            event.outcome = .completed
                            let cost = event.cost.micros
                            books.enter {
                                $0.live += 1
                                $0.admitted += 1
                                $0.mostLive = max($0.mostLive, $0.live)
                                $0.mostBeyond = max($0.mostBeyond, cost - held)
                                $0.settled += cost
                                $0.expected += held > 0 && held < Self.estimate.cost.micros ? 1 : 0
                            }
                            // Nobody's first call ends before everybody's has begun.
                            while books.enter({ $0.mostLive }) < Self.callers { await Task.yield() }
                            for _ in 0..<Int.random(in: 0...20, using: &generator) { await Task.yield() }
                            await node.enforcer.settle(reservation, as: event, on: node.loop)
                            books.enter { $0.live -= 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let end = books.enter { $0 }
            #expect(try await node.spend() == [end.settled, 0])
            let over = end.settled - Self.amount
            let bound = reserve == .full ? 0 : Self.callers * max(0, end.mostBeyond)
            print(
                "seed \(seed), reserve \(reserve): \(end.admitted) calls, \(end.mostLive) at once, "
                    + "\(over) micro-dollars above the amount, bound \(bound)")
            #expect(over <= bound)
            #expect(end.mostLive == Self.callers)
            switch reserve {
            case .full: #expect(over > -Self.estimate.cost.micros)
            case .expected: #expect(end.expected > 20, "what was learned was reserved")
            case .none: #expect(over >= 0, "it denies at the amount, not before")
            }
        }
    }
}
