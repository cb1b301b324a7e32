import WeirCore

/// What recent calls of one model and product really used of their upper bounds: input as a share of its bound, which
/// is in bytes; output in tokens, since callers set `max_tokens` far above what they get.
struct ExpectedUsage: Sendable, Equatable {
    /// A mean that follows the latest samples, and how far they lie from it: integers in 256ths. The same sums as those
    /// of TCP's retransmission timer (RFC 6298, section 2): what comes next is at most mean + 4 × deviation, mostly.
    struct Mean: Sendable, Equatable {
        private(set) var mean = 0
        private(set) var deviation = 0

        static let largestSample = 1 << 40

        mutating func add(_ sample: Int, isFirst: Bool) {
            let sample = min(max(0, sample), Self.largestSample) * 256
            if isFirst {
                (mean, deviation) = (sample, sample / 2)
            } else {
                let error = sample - mean
                mean += error / 8
                deviation += (abs(error) - deviation) / 4
            }
        }

        /// Rounded up.
        var likelyMost: Int { (mean + 4 * deviation + 255) / 256 }
    }

    /// With fewer samples nothing is expected: the upper bound is reserved.
    static let leastSamples = 16
    /// Shares of a bound are in 65,536ths.
    private static let whole = 65_536

    private(set) var samples = 0
    private var inputShare = Mean()
    private var output = Mean()

    mutating func learn(_ usage: TokenUsage, of estimate: Estimate) {
        guard estimate.inputTokens > 0 else { return }
        var inputs = usage
        inputs.output = 0
        let input = UInt128(Self.exact(inputs.total))
        let share = input * UInt128(Self.whole) / UInt128(estimate.inputTokens)
        inputShare.add(Int(min(share, UInt128(Self.whole))), isFirst: samples == 0)
        output.add(usage.output, isFirst: samples == 0)
        samples = min(samples + 1, Self.leastSamples)
    }

    /// What a call with this upper bound is likely to cost; nil: too little is known. Never more than the bound.
    func expected(of estimate: Estimate) -> Estimate? {
        guard samples >= Self.leastSamples else { return nil }
        let outputBound = max(0, Self.exact(estimate.tokens) - Self.exact(estimate.inputTokens))
        let output = min(output.likelyMost, outputBound)
        let share = min(inputShare.likelyMost, Self.whole)
        let input = Self.part(estimate.inputTokens, share, of: Self.whole)
        let outputCost = Self.exact(estimate.cost.micros) - Self.exact(estimate.inputCost.micros)
        let micros = Self.part(estimate.inputCost.micros, share, of: Self.whole)
            .addingSaturated(Self.part(outputCost, output, of: outputBound))
        var expected = estimate
        expected.tokens = min(estimate.tokens, input.addingSaturated(output))
        expected.cost = min(estimate.cost, MicroUSD(micros: micros))
        return expected
    }

    private static func exact(_ number: Int) -> Int { min(max(0, number), .largestExact) }

    /// `number` × `share` / `whole`, rounded up.
    private static func part(_ number: Int, _ share: Int, of whole: Int) -> Int {
        guard number > 0, share > 0, whole > 0 else { return 0 }
        let product = UInt128(number) * UInt128(share)
        return Int(min((product + UInt128(whole) - 1) / UInt128(whole), UInt128(Int.largestExact)))
    }
}

/// What a node has learned, of a bounded number of models and products.
struct ExpectedUsages: Sendable {
    struct Key: Hashable, Sendable {
        let model: String
        let product: String
    }

    /// Of further ones nothing is learned, so that names made up by callers fill no memory.
    static let largestCount = 1024

    private(set) var all: [Key: ExpectedUsage] = [:]

    mutating func learn(_ usage: TokenUsage, of estimate: Estimate, for key: Key) {
        guard all[key] != nil || all.count < Self.largestCount else { return }
        all[key, default: ExpectedUsage()].learn(usage, of: estimate)
    }

    func expected(of estimate: Estimate, for key: Key) -> Estimate? { all[key]?.expected(of: estimate) }
}
