import WeirCore

/// One limit's counter for one subject, as scripts want it: its key, its kind and its span.
package struct CounterKey: Sendable, Hashable {
    package let key: String
    package let counter: Counter
    /// Window in ms (log, ring), the period's end in ms since 1970 (budget), 0 (in flight).
    package let span: Int

    package init(key: String, counter: Counter, span: Int) {
        self.key = key
        self.counter = counter
        self.span = span
    }

    /// - Parameter atMs: names the period of a budget.
    package init(shard: Shard, limit: Limit.ID, subject: String, counter: Counter, atMs: Int) {
        var instance: Period.Instance?
        switch counter {
        case .log(let windowMs), .ring(let windowMs): span = windowMs
        case .budget(let period):
            let containing = period.containing(ms: atMs)
            instance = containing
            span = containing.endMs
        case .inFlight: span = 0
        }
        self.counter = counter
        key = RedisKeys.counter(shard, limit: limit, subject: subject, counter: counter, period: instance)
    }

    /// How scripts know the kind: 1 log, 2 ring, 3 budget, 4 in flight (lua/lib/counters.lua).
    package var kind: Int {
        switch counter {
        case .log: 1
        case .ring: 2
        case .budget: 3
        case .inFlight: 4
        }
    }

    /// How people and records know it: `L`, `R`, `B`, `C`.
    package var letter: String {
        switch counter {
        case .log: "L"
        case .ring: "R"
        case .budget: "B"
        case .inFlight: "C"
        }
    }

    /// What was written as ``letter``, key and span; nil: no kind has this letter, or the span is negative. Of a budget
    /// the period is not known any more, which no script needs.
    package init?(letter: String, key: String, span: Int) {
        guard span >= 0 else { return nil }
        switch letter {
        case "L": counter = .log(windowMs: span)
        case "R": counter = .ring(windowMs: span)
        case "B": counter = .budget(.day)
        case "C": counter = .inFlight
        default: return nil
        }
        (self.key, self.span) = (key, span)
    }
}
