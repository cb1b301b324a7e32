/// What a provider bills for one call, in tokens, split into kinds.
///
/// `freshInput`, `cacheRead`, `cacheWrite5m`, `cacheWrite1h` and `output` are disjoint; `reasoning` is a part of `output`.
package struct SimulatedUsage: Sendable, Equatable {
    package var freshInput = 0
    package var cacheRead = 0
    package var cacheWrite5m = 0
    package var cacheWrite1h = 0
    package var output = 0
    package var reasoning = 0

    package init(
        freshInput: Int = 0, cacheRead: Int = 0, cacheWrite5m: Int = 0, cacheWrite1h: Int = 0, output: Int = 0,
        reasoning: Int = 0
    ) {
        self.freshInput = freshInput
        self.cacheRead = cacheRead
        self.cacheWrite5m = cacheWrite5m
        self.cacheWrite1h = cacheWrite1h
        self.output = output
        self.reasoning = reasoning
    }

    /// What OpenAI calls prompt tokens: the cached ones are among them.
    var prompt: Int { freshInput + cacheRead }
}
