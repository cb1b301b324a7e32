import Testing
import WeirCore

@Suite struct PriceTests {
    /// 3 / 0.30 / 3.75 / 6 / 15 USD per million tokens.
    private static let sonnet = Price(
        base: .init(
            input: 3_000_000, cacheRead: 300_000, cacheWrite5m: 3_750_000, cacheWrite1h: 6_000_000, output: 15_000_000))
    /// 0.02 USD per million tokens of input, nothing else.
    private static let embedding = Price(
        base: .init(input: 20_000, cacheRead: 20_000, cacheWrite5m: 20_000, cacheWrite1h: 20_000, output: 0))
    /// As `sonnet`; above 200,000 input tokens 6 / 0.60 / 7.50 / 12 / 22.50.
    private static let tiered = Price(
        base: sonnet.base,
        tiers: [
            .init(
                aboveInputTokens: 200_000,
                rates: .init(
                    input: 6_000_000, cacheRead: 600_000, cacheWrite5m: 7_500_000, cacheWrite1h: 12_000_000,
                    output: 22_500_000))
        ])

    @Test(arguments: [
        // 1,000 × 3 + 500 × 15 = 3,000 + 7,500 micro-dollars
        (sonnet, TokenUsage(input: 1_000, output: 500), 10_500),
        // 100 × 3 + 10,000 × 0.3 + 2,000 × 3.75 + 1,000 × 6 + 50 × 15 = 300 + 3,000 + 7,500 + 6,000 + 750
        (
            sonnet,
            TokenUsage(input: 100, cacheRead: 10_000, cacheWrite5m: 2_000, cacheWrite1h: 1_000, output: 50), 17_550
        ),
        // Reasoning is part of output: 40 × 15
        (sonnet, TokenUsage(output: 40, reasoning: 30), 600),
        // 1 × 0.3 = 0.3, rounded up
        (sonnet, TokenUsage(cacheRead: 1), 1),
        // 3 × 0.3 + 1 × 3.75 = 4.65, rounded up once, not 1 + 4 or 3 + 4
        (sonnet, TokenUsage(cacheRead: 3, cacheWrite5m: 1), 5),
        // 50 × 0.02 = 1 exactly; 51 × 0.02 = 1.02
        (embedding, TokenUsage(input: 50), 1), (embedding, TokenUsage(input: 51), 2),
        (sonnet, .zero, 0),
        // 200,000 × 3 + 1,000 × 15 at the threshold; one more token prices the whole call at the tier:
        // 200,001 × 6 + 1,000 × 22.5
        (tiered, TokenUsage(input: 200_000, output: 1_000), 615_000),
        (tiered, TokenUsage(input: 200_001, output: 1_000), 1_222_506),
        // Input of all kinds counts for the threshold: 1 × 6 + 200,000 × 0.6
        (tiered, TokenUsage(input: 1, cacheRead: 200_000), 120_006),
        // Out of range: negative is zero, too much is the greatest number that stays exact
        (sonnet, TokenUsage(input: -5, output: .min), 0),
        (sonnet, TokenUsage(input: .max, output: .max), .largestExact),
    ])
    func `a cost is the sum of tokens times rates, rounded up once`(price: Price, usage: TokenUsage, micros: Int) {
        #expect(price.cost(of: usage) == MicroUSD(micros: micros))
    }

    @Test func `reasoning with a rate of its own is charged by it, and is never more than the output`() {
        var price = Self.sonnet
        price.base.reasoning = 30_000_000
        // 40 × 15 + 60 × 30 of 100 tokens of output; of 10 all are reasoning.
        #expect(price.cost(of: TokenUsage(output: 100, reasoning: 60)) == MicroUSD(micros: 2_400))
        #expect(price.cost(of: TokenUsage(output: 10, reasoning: 60)) == MicroUSD(micros: 300))
        #expect(price.cost(of: TokenUsage(output: 10, reasoning: -1)) == MicroUSD(micros: 150))
        // What is reserved is enough for all of it, whichever is dearer.
        #expect(price.costAtMost(of: TokenUsage(output: 100)) == MicroUSD(micros: 3_000))
        price.base.reasoning = 1_000_000
        #expect(price.costAtMost(of: TokenUsage(output: 100)) == MicroUSD(micros: 1_500))
    }

    @Test func `a batch call costs its percentage, rounded up once`() {
        var price = Self.sonnet
        // 1,000 × 3 + 500 × 15, and nothing off where the provider has no batch price
        #expect(price.cost(of: TokenUsage(input: 1_000, output: 500), isBatch: true) == MicroUSD(micros: 10_500))
        price.batchPercent = 50
        #expect(price.cost(of: TokenUsage(input: 1_000, output: 500), isBatch: true) == MicroUSD(micros: 5_250))
        // 3 × 0.3 + 1 × 3.75 = 4.65, of which half is 2.325
        #expect(price.cost(of: TokenUsage(cacheRead: 3, cacheWrite5m: 1), isBatch: true) == MicroUSD(micros: 3))
        #expect(price.cost(of: TokenUsage(input: .max, output: .max), isBatch: true) <= MicroUSD(micros: .largestExact))
    }

    @Test func `a call in parts costs at least the whole, and at most a micro-dollar more per part`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<2_000 {
            func usage() -> TokenUsage {
                func count() -> Int { Int.random(in: 0...100_000, using: &random) }
                return TokenUsage(
                    input: count(), cacheRead: count(), cacheWrite5m: count(), cacheWrite1h: count(), output: count())
            }
            let parts = (0..<3).map { _ in usage() }
            let whole = parts.reduce(into: TokenUsage.zero) { sum, part in
                sum.input += part.input
                sum.cacheRead += part.cacheRead
                sum.cacheWrite5m += part.cacheWrite5m
                sum.cacheWrite1h += part.cacheWrite1h
                sum.output += part.output
            }
            let apart = parts.map { Self.sonnet.cost(of: $0).micros }.reduce(0, +)
            let together = Self.sonnet.cost(of: whole).micros
            #expect((together...together + 2).contains(apart), "seed \(seed)")
        }
    }

    @Test func `no price and no count can trap`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<3_000 {
            func any() -> Int { [Int.min, -1, 0, 1, .largestExact, .max].randomElement(using: &random) ?? 0 }
            let rates = Price.Rates(
                input: any(), cacheRead: any(), cacheWrite5m: any(), cacheWrite1h: any(), output: any(),
                reasoning: Bool.random(using: &random) ? any() : nil)
            let price = Price(
                base: rates, tiers: [.init(aboveInputTokens: any(), rates: rates)], batchPercent: any())
            let usage = TokenUsage(
                input: any(), cacheRead: any(), cacheWrite5m: any(), cacheWrite1h: any(), output: any(),
                reasoning: any())
            for isBatch in [false, true] {
                let cost = price.cost(of: usage, isBatch: isBatch).micros
                #expect((0...Int.largestExact).contains(cost), "seed \(seed)")
            }
        }
    }

    @Test func `more tokens never cost less`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<3_000 {
            let scale = [10, 1_000, 250_000, Int.largestExact, Int.max].randomElement(using: &random) ?? 1
            func count() -> Int { Int.random(in: 0...scale, using: &random) }
            let less = TokenUsage(
                input: count(), cacheRead: count(), cacheWrite5m: count(), cacheWrite1h: count(), output: count())
            var more = less
            switch Int.random(in: 0..<5, using: &random) {
            case 0: more.input = more.input.addingSaturated(count())
            case 1: more.cacheRead = more.cacheRead.addingSaturated(count())
            case 2: more.cacheWrite5m = more.cacheWrite5m.addingSaturated(count())
            case 3: more.cacheWrite1h = more.cacheWrite1h.addingSaturated(count())
            default: more.output = more.output.addingSaturated(count())
            }
            for price in [Self.sonnet, Self.embedding, Self.tiered] {
                #expect(price.cost(of: less) <= price.cost(of: more), "seed \(seed): \(less) \(more)")
            }
        }
    }
}

/// SplitMix64: a generator whose seed can be printed and used again.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
