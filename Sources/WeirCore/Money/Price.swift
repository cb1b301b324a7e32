/// What one model's tokens cost.
///
/// A cost is the sum over the kinds of tokens × rate, in 128-bit integers, divided by a million once and rounded up to
/// the next micro-dollar. It never traps, and never falls when a count rises.
public struct Price: Sendable, Hashable {
    public var base: Rates
    /// Dearer rates of calls with long input, by rising threshold.
    public var tiers: [Tier]
    /// What a call through the provider's batch API costs, in percent of the above; nil: the provider has no such price.
    public var batchPercent: Int?

    /// Nothing: of a model without a price whose calls are let through and marked.
    public static let free = Price(base: Rates(input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0))

    /// Micro-dollars per million tokens.
    public struct Rates: Sendable, Hashable, Codable {
        public var input: Int
        public var cacheRead: Int
        public var cacheWrite5m: Int
        public var cacheWrite1h: Int
        public var output: Int
        /// Of the output that was reasoning; nil: billed as all output.
        public var reasoning: Int?

        public init(
            input: Int, cacheRead: Int, cacheWrite5m: Int, cacheWrite1h: Int, output: Int, reasoning: Int? = nil
        ) {
            self.reasoning = reasoning
            self.input = input
            self.cacheRead = cacheRead
            self.cacheWrite5m = cacheWrite5m
            self.cacheWrite1h = cacheWrite1h
            self.output = output
        }

        enum CodingKeys: String, CodingKey {
            case input, output, reasoning
            case cacheRead = "cache_read"
            case cacheWrite5m = "cache_write_5m"
            case cacheWrite1h = "cache_write_1h"
        }

        var all: [Int] { [input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning ?? output] }

        /// Rate by rate the greater of both.
        func dearest(_ other: Rates) -> Rates {
            Rates(
                input: max(input, other.input), cacheRead: max(cacheRead, other.cacheRead),
                cacheWrite5m: max(cacheWrite5m, other.cacheWrite5m),
                cacheWrite1h: max(cacheWrite1h, other.cacheWrite1h), output: max(output, other.output),
                reasoning: max(reasoning ?? output, other.reasoning ?? other.output))
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

    public init(base: Rates, tiers: [Tier] = [], batchPercent: Int? = nil) {
        self.base = base
        self.tiers = tiers
        self.batchPercent = batchPercent
    }

    /// The rates of a call with that much input of all kinds.
    public func rates(inputTokens: Int) -> Rates {
        tiers.last { inputTokens > $0.aboveInputTokens }?.rates ?? base
    }

    /// At most 2^53 - 1 micro-dollars. Negative counts are taken as zero, greater ones as 2^53 - 1, and no more of the
    /// output was reasoning than there was output.
    ///
    /// - Parameter isBatch: the call went through the provider's batch API.
    public func cost(of usage: TokenUsage, isBatch: Bool = false) -> MicroUSD {
        let input = usage.input.addingSaturated(usage.cacheRead).addingSaturated(usage.cacheWrite5m)
            .addingSaturated(usage.cacheWrite1h)
        let rates = rates(inputTokens: input)
        // 2^53 tokens × 10^12 (the highest rate a table may hold) × 6 kinds × 100 percent stays below 2^104.
        var sum: UInt128 = 0
        func add(_ tokens: Int, at rate: Int) {
            sum += UInt128(min(max(tokens, 0), Int.largestExact)) * UInt128(min(max(rate, 0), PriceTable.highestRate))
        }
        add(usage.input, at: rates.input)
        add(usage.cacheRead, at: rates.cacheRead)
        add(usage.cacheWrite5m, at: rates.cacheWrite5m)
        add(usage.cacheWrite1h, at: rates.cacheWrite1h)
        if let reasoningRate = rates.reasoning {
            let output = min(max(usage.output, 0), Int.largestExact)
            let reasoning = min(max(usage.reasoning, 0), output)
            add(output - reasoning, at: rates.output)
            add(reasoning, at: reasoningRate)
        } else {
            add(usage.output, at: rates.output)
        }
        let percent = isBatch ? UInt128(min(max(batchPercent ?? 100, 0), 100)) : 100
        let micros = (sum * percent + 99_999_999) / 100_000_000
        return MicroUSD(micros: Int(min(micros, UInt128(Int.largestExact))))
    }

    /// The most that this usage can cost, however much of its output turns out to be reasoning.
    public func costAtMost(of usage: TokenUsage) -> MicroUSD {
        if base.reasoning == nil, tiers.isEmpty {
            // Output costs the same whatever it is.
            return cost(of: usage)
        }
        var (none, all) = (usage, usage)
        none.reasoning = 0
        all.reasoning = all.output
        return max(cost(of: none), cost(of: all))
    }
}

extension Price: Codable {
    enum CodingKeys: String, CodingKey { case tiers, batchPercent = "batch_percent" }

    /// The rates stand beside an optional `tiers` and an optional `batch_percent`.
    public init(from decoder: any Decoder) throws {
        base = try Rates(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        tiers = try container.decodeIfPresent([Tier].self, forKey: .tiers) ?? []
        batchPercent = try container.decodeIfPresent(Int.self, forKey: .batchPercent)
    }

    public func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !tiers.isEmpty { try container.encode(tiers, forKey: .tiers) }
        try container.encodeIfPresent(batchPercent, forKey: .batchPercent)
    }
}
