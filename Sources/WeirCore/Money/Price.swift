/// What one model's tokens cost.
///
/// A cost is the sum over the kinds of tokens × rate, in 128-bit integers, divided by a million once and rounded up to
/// the next micro-dollar. It never traps, and never falls when a count rises.
public struct Price: Sendable, Hashable {
    public var base: Rates
    /// Dearer rates of calls with long input, by rising threshold.
    public var tiers: [Tier]

    /// Micro-dollars per million tokens. Reasoning is billed as output.
    public struct Rates: Sendable, Hashable, Codable {
        public var input: Int
        public var cacheRead: Int
        public var cacheWrite5m: Int
        public var cacheWrite1h: Int
        public var output: Int

        public init(input: Int, cacheRead: Int, cacheWrite5m: Int, cacheWrite1h: Int, output: Int) {
            self.input = input
            self.cacheRead = cacheRead
            self.cacheWrite5m = cacheWrite5m
            self.cacheWrite1h = cacheWrite1h
            self.output = output
        }

        enum CodingKeys: String, CodingKey {
            case input, output
            case cacheRead = "cache_read"
            case cacheWrite5m = "cache_write_5m"
            case cacheWrite1h = "cache_write_1h"
        }

        var all: [Int] { [input, cacheRead, cacheWrite5m, cacheWrite1h, output] }

        /// Rate by rate the greater of both.
        func dearest(_ other: Rates) -> Rates {
            Rates(
                input: max(input, other.input), cacheRead: max(cacheRead, other.cacheRead),
                cacheWrite5m: max(cacheWrite5m, other.cacheWrite5m),
                cacheWrite1h: max(cacheWrite1h, other.cacheWrite1h), output: max(output, other.output))
        }
    }

    /// The rates of the whole call when its input of all kinds exceeds `aboveInputTokens`.
    public struct Tier: Sendable, Hashable, Codable {
        public var aboveInputTokens: Int
        public var rates: Rates

        public init(aboveInputTokens: Int, rates: Rates) {
            self.aboveInputTokens = aboveInputTokens
            self.rates = rates
        }

        enum CodingKeys: String, CodingKey { case rates, aboveInputTokens = "above_input_tokens" }
    }

    public init(base: Rates, tiers: [Tier] = []) {
        self.base = base
        self.tiers = tiers
    }

    /// The rates of a call with that much input of all kinds.
    public func rates(inputTokens: Int) -> Rates {
        tiers.last { inputTokens > $0.aboveInputTokens }?.rates ?? base
    }

    /// At most 2^53 - 1 micro-dollars. Negative counts are taken as zero, greater ones as 2^53 - 1.
    public func cost(of usage: TokenUsage) -> MicroUSD {
        let input = usage.input.addingSaturated(usage.cacheRead).addingSaturated(usage.cacheWrite5m)
            .addingSaturated(usage.cacheWrite1h)
        let rates = rates(inputTokens: input)
        // 2^53 tokens × 10^12 (the highest rate a table may hold) × 5 kinds stays below 2^96.
        var sum: UInt128 = 0
        func add(_ tokens: Int, at rate: Int) {
            sum += UInt128(min(max(tokens, 0), Int.largestExact)) * UInt128(min(max(rate, 0), PriceTable.highestRate))
        }
        add(usage.input, at: rates.input)
        add(usage.cacheRead, at: rates.cacheRead)
        add(usage.cacheWrite5m, at: rates.cacheWrite5m)
        add(usage.cacheWrite1h, at: rates.cacheWrite1h)
        add(usage.output, at: rates.output)
        let micros = (sum + 999_999) / 1_000_000
        return MicroUSD(micros: Int(min(micros, UInt128(Int.largestExact))))
    }
}

extension Price: Codable {
    enum CodingKeys: String, CodingKey { case tiers }

    /// The rates stand beside an optional `tiers`.
    public init(from decoder: any Decoder) throws {
        base = try Rates(from: decoder)
        tiers = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent([Tier].self, forKey: .tiers) ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        guard !tiers.isEmpty else { return }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tiers, forKey: .tiers)
    }
}
