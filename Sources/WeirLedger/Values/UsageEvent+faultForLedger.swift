import WeirCore

extension UsageEvent {
    /// The largest number of an event that the ledger takes: 2^50, a quadrillion. More than a billion dollars or any
    /// provider's tokens for one call, and small enough that the sum of thousands of them is still an integer.
    package static let largestForLedger = 1 << 50

    /// Why the ledger does not take this event, or nil. Sums must never overflow and days must have their usual names,
    /// whatever somebody wrote into a stream.
    package var faultForLedger: String? {
        // Of all events but the absurd ones: where one is negative or too large, so are all their bits together.
        let bits =
            tokens.input | tokens.cacheRead | tokens.cacheWrite5m | tokens.cacheWrite1h | tokens.output
            | tokens.reasoning | cost.micros | calledAtMs | latencyMs | status
        if !(0..<Self.largestForLedger).contains(bits), let fault = faultOfNumbers { return fault }
        if calledAtMs >= 253_402_300_800_000 { return "called_at is after the year 9999: \(calledAtMs)" }
        if id.isEmpty { return "id is empty" }
        if team.isEmpty { return "team is empty" }
        return nil
    }

    private var faultOfNumbers: String? {
        let numbers = [
            ("input_tokens", tokens.input), ("cache_read_tokens", tokens.cacheRead),
            ("cache_write_5m_tokens", tokens.cacheWrite5m), ("cache_write_1h_tokens", tokens.cacheWrite1h),
            ("output_tokens", tokens.output), ("reasoning_tokens", tokens.reasoning), ("cost_micros", cost.micros),
            ("called_at", calledAtMs), ("latency_ms", latencyMs), ("status", status),
        ]
        for (name, number) in numbers where number < 0 || number > Self.largestForLedger {
            return "\(name) is out of range: \(number)"
        }
        return nil
    }
}
