/// How long to wait before the next attempt to connect: exponential, with full jitter, so that many nodes that lost
/// the same server do not come back in step.
struct RedisBackoff: Sendable {
    static let shortest = Duration.milliseconds(20)
    static let longest = Duration.seconds(1)

    private var attempts = 0

    /// The ceiling of the next wait; it doubles with each attempt.
    var ceiling: Duration {
        min(Self.shortest * (1 << min(attempts, 10)), Self.longest)
    }

    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let limit = ceiling
        attempts = min(attempts + 1, 10)
        // At least a millisecond: zero would be a busy loop.
        return .nanoseconds(Int64.random(in: 1_000_000...max(1_000_000, limit.wholeNanoseconds), using: &generator))
    }

    mutating func reset() { attempts = 0 }
}

extension Duration {
    /// Nanoseconds, cut off at what an `Int64` holds (292 years).
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowOfSum) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || overflowOfSum ? (seconds < 0 ? .min : .max) : sum
    }
}
