import Testing
import WeirCore
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct ExpectedUsageTests {
    /// 4,000 bytes of input at 1 micro-dollar, up to 8,000 tokens of output at 5.
    static let estimate = Estimate(
        tokens: 12_000, cost: MicroUSD(micros: 44_000), inputTokens: 4_000, inputCost: MicroUSD(micros: 4_000),
        observed: .zero, observedCost: .zero)

    @Test func `nothing is expected before there are enough samples`() {
        var usage = ExpectedUsage()
        for _ in 1..<ExpectedUsage.leastSamples {
            usage.learn(TokenUsage(input: 1_000, output: 200), of: Self.estimate)
            #expect(usage.expected(of: Self.estimate) == nil)
        }
        usage.learn(TokenUsage(input: 1_000, output: 200), of: Self.estimate)
        #expect(usage.expected(of: Self.estimate) != nil)
    }

    @Test func `calls that are all alike are expected to go on so, whatever bound the next one sets`() throws {
        var usage = ExpectedUsage()
        for _ in 0..<200 { usage.learn(TokenUsage(input: 600, cacheRead: 400, output: 200), of: Self.estimate) }
        let expected = try #require(usage.expected(of: Self.estimate))
        // A quarter of the input's bound, and the output, with little on top for the rounding of means.
        #expect((1_200...1_220).contains(expected.tokens), "\(expected.tokens)")
        #expect((2_000...2_100).contains(expected.cost.micros), "\(expected.cost.micros)")
        var longer = Self.estimate
        (longer.tokens, longer.cost) = (104_000, MicroUSD(micros: 504_000))
        let same = try #require(usage.expected(of: longer))
        #expect(same.tokens == expected.tokens && abs(same.cost.micros - expected.cost.micros) <= 1)
    }

    @Test(arguments: [1, 2, UInt64.random(in: 3...(.max))])
    func `what is expected covers most of what comes, and is never more than the bound`(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var usage = ExpectedUsage()
        var covered = 0
        for number in 0..<2_000 {
            let real = TokenUsage(
                input: .random(in: 500...2_000, using: &generator), output: .random(in: 0...4_000, using: &generator))
            if let expected = usage.expected(of: Self.estimate), number >= 1_000 {
                #expect(expected.tokens <= Self.estimate.tokens && expected.cost <= Self.estimate.cost)
                covered += real.total <= expected.tokens ? 1 : 0
            }
            usage.learn(real, of: Self.estimate)
        }
        #expect(covered > 900, "seed \(seed): \(covered) of 1000")
    }

    @Test func `numbers as large as can be never trap, nor do those below zero`() {
        var usage = ExpectedUsage()
        let numbers = [Int.min, -1, 0, 1, .largestExact, .max]
        for tokens in numbers {
            for input in numbers {
                let estimate = Estimate(
                    tokens: tokens, cost: MicroUSD(micros: tokens), inputTokens: input,
                    inputCost: MicroUSD(micros: input), observed: .zero, observedCost: .zero)
                for used in numbers {
                    usage.learn(TokenUsage(input: used, output: used), of: estimate)
                    _ = usage.expected(of: estimate)
                }
            }
        }
        #expect(usage.samples == ExpectedUsage.leastSamples)
    }

    @Test func `of more models and products than are kept nothing is learned`() {
        var usages = ExpectedUsages()
        for _ in 0..<ExpectedUsage.leastSamples {
            for number in 0...ExpectedUsages.largestCount {
                usages.learn(
                    TokenUsage(input: 1, output: 1), of: Self.estimate, for: .init(model: "m\(number)", product: "p"))
            }
        }
        #expect(usages.all.count == ExpectedUsages.largestCount)
        #expect(usages.expected(of: Self.estimate, for: .init(model: "m0", product: "p")) != nil)
        #expect(
            usages.expected(
                of: Self.estimate, for: .init(model: "m\(ExpectedUsages.largestCount)", product: "p")) == nil)
    }
}
