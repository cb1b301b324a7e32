import WeirCore

/// Usage as the provider has stated it so far. All providers repeat it with cumulative values, so the greatest of
/// each field counts; a field that is absent later keeps its earlier value, and a zero is a zero.
struct StatedUsage: Sendable, Equatable {
    var input: Int?
    var cacheRead: Int?
    /// All that was written to the cache, where the split by lifetime is missing or smaller.
    var cacheWrite: Int?
    var cacheWrite5m: Int?
    var cacheWrite1h: Int?
    var output: Int?
    var reasoning: Int?
    /// Results of tools that the provider ran, beside the input (Gemini).
    var toolInput: Int?
    /// A value was negative, fractional or beyond 2^53 - 1, and was not taken.
    var hasBadValue = false

    var isEmpty: Bool { input == nil && cacheRead == nil && cacheWrite == nil && output == nil }

    mutating func merge(_ later: StatedUsage) {
        Self.raise(&input, to: later.input)
        Self.raise(&cacheRead, to: later.cacheRead)
        Self.raise(&cacheWrite, to: later.cacheWrite)
        Self.raise(&cacheWrite5m, to: later.cacheWrite5m)
        Self.raise(&cacheWrite1h, to: later.cacheWrite1h)
        Self.raise(&output, to: later.output)
        Self.raise(&reasoning, to: later.reasoning)
        Self.raise(&toolInput, to: later.toolInput)
        hasBadValue = hasBadValue || later.hasBadValue
    }

    private static func raise(_ value: inout Int?, to later: Int?) {
        if let later { value = max(value ?? 0, later) }
    }

    /// Anthropic's kinds are disjoint. A cache write whose lifetime is not stated counts as one of 5 minutes.
    var anthropic: TokenUsage {
        let oneHour = cacheWrite1h ?? 0
        let fiveMinutes = max(cacheWrite5m ?? 0, (cacheWrite ?? 0) - oneHour)
        return TokenUsage(
            input: input ?? 0, cacheRead: cacheRead ?? 0, cacheWrite5m: max(0, fiveMinutes), cacheWrite1h: oneHour,
            output: output ?? 0, reasoning: min(reasoning ?? 0, output ?? 0))
    }

    /// OpenAI's input includes what was read from the cache and written to it. Where it does not
    /// (``contradictsItself``), the kinds are taken as disjoint: the reading that costs most.
    var openAI: TokenUsage {
        let read = cacheRead ?? 0
        let written = cacheWrite ?? 0
        return TokenUsage(
            input: contradictsItself ? input ?? 0 : (input ?? 0) - read - written, cacheRead: read,
            cacheWrite5m: written, output: output ?? 0, reasoning: min(reasoning ?? 0, output ?? 0))
    }

    /// Gemini's input includes what was read from the cache, but not the results of tools; its output does not include
    /// thoughts, which are billed as output.
    var gemini: TokenUsage {
        let read = cacheRead ?? 0
        let thoughts = reasoning ?? 0
        let fresh = contradictsItself ? input ?? 0 : (input ?? 0) - read
        return TokenUsage(
            input: fresh.addingSaturated(toolInput ?? 0), cacheRead: read,
            output: (output ?? 0).addingSaturated(thoughts), reasoning: thoughts)
    }

    /// More is said to have been cached than there was input (for a provider whose input includes it).
    var contradictsItself: Bool { (cacheRead ?? 0).addingSaturated(cacheWrite ?? 0) > input ?? 0 }

    /// Reads a count; nil for `null` and for a bad value, which is passed over and remembered.
    mutating func count(_ scanner: inout JSONScanner) throws(JSONError) -> Int? {
        let kind = try scanner.kind()
        if kind == .number {
            var attempt = scanner
            if let value = try? attempt.int(), (0...Int.largestExact).contains(value) {
                scanner = attempt
                return value
            }
        }
        try scanner.skip()
        if kind != .null { hasBadValue = true }
        return nil
    }
}
