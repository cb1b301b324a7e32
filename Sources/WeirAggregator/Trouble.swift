import Logging

/// How a repeated step waits while it fails, and says so: at once, then about once a minute, and when it is over.
struct Trouble {
    private let what: String
    private let logger: Logger
    private var failures = 0
    private var lastSaid: ContinuousClock.Instant?

    static let longestWait: Duration = .seconds(2)

    init(what: String, logger: Logger) {
        self.what = what
        self.logger = logger
    }

    /// How long to wait before the next attempt.
    mutating func wait(after error: AggregatorError) -> Duration {
        failures += 1
        if lastSaid.map({ $0.duration(to: .now) > .seconds(60) }) ?? true {
            lastSaid = .now
            logger.error("\(what) fails, will be repeated", metadata: ["error": "\(error)", "failures": "\(failures)"])
        }
        return min(.milliseconds(20) * (1 << min(failures, 10)), Self.longestWait)
    }

    mutating func isOver() {
        guard failures > 0 else { return }
        logger.notice("\(what) works again", metadata: ["failures": "\(failures)"])
        failures = 0
        lastSaid = nil
    }
}
