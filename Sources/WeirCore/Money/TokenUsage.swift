/// LLM tokens of one call in disjoint kinds: every token is counted in exactly one field, except that
/// `reasoning` says how many of `output` were reasoning (providers bill them as output).
public struct TokenUsage: Sendable, Hashable {
    /// Fresh input: neither read from nor written to the provider's cache.
    public var input: Int
    public var cacheRead: Int
    /// Written to the cache for 5 minutes.
    public var cacheWrite5m: Int
    /// Written to the cache for 1 hour.
    public var cacheWrite1h: Int
    /// All output, reasoning included.
    public var output: Int
    /// The part of `output` that was reasoning.
    public var reasoning: Int

    public static let zero = TokenUsage()

    public init(
        input: Int = 0, cacheRead: Int = 0, cacheWrite5m: Int = 0, cacheWrite1h: Int = 0, output: Int = 0,
        reasoning: Int = 0
    ) {
        self.input = input
        self.cacheRead = cacheRead
        self.cacheWrite5m = cacheWrite5m
        self.cacheWrite1h = cacheWrite1h
        self.output = output
        self.reasoning = reasoning
    }

    /// All tokens of the call: what a limit of unit `tokens` counts.
    public var total: Int {
        input.addingSaturated(cacheRead).addingSaturated(cacheWrite5m).addingSaturated(cacheWrite1h)
            .addingSaturated(output)
    }
}
