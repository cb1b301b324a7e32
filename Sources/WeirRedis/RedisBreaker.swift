/// Decides when to stop asking a server that does not answer: after so many commands in a row without a reply in time.
/// It closes again when a probe is answered in time.
struct RedisBreaker: Sendable {
    let tripAfter: Int
    private(set) var isOpen = false
    private var timeouts = 0

    init(tripAfter: Int) { self.tripAfter = max(1, tripAfter) }

    /// - Returns: whether it opened just now.
    mutating func timedOut() -> Bool {
        timeouts = min(timeouts + 1, tripAfter)
        guard !isOpen, timeouts == tripAfter else { return false }
        isOpen = true
        return true
    }

    /// A command was answered in time. That alone does not close an open breaker.
    mutating func answered() { timeouts = 0 }

    mutating func close() {
        isOpen = false
        timeouts = 0
    }
}
