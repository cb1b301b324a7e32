/// The answer to one call that wants to spend.
public enum Decision: Sendable, Hashable {
    /// Its cost is held in every limit that covers it, until it is settled, released, or its lease runs out.
    case admitted(Reservation)
    /// Nothing was charged.
    case denied(Denial)
}

/// A held cost.
public struct Reservation: Sendable, Hashable, Identifiable {
    /// A ULID made by the node. Every step of the call's life is idempotent by it.
    public let id: String
    /// Redis's time, milliseconds since 1970.
    public let admittedAtMs: Int
    /// How long it is held unless renewed.
    public let leaseMs: Int
    /// As it is served.
    public let call: Call
    /// The model that serves it: its index among those that were offered.
    public let candidate: Int
    /// What it was expected to cost at most on that model.
    public let estimate: Estimate?
    /// Units that its answer must be shortened to, of each kind that is short; nil: it goes as it is.
    public let bound: Bound?
    /// Shard of its keys.
    public let shard: Int
    /// What it holds there, limit by limit, in the order of the script's keys.
    public let holds: [Hold]
    /// What it holds in other shards, under the same id: of limits per product, per address and of everybody.
    public let sideParts: [Part]
    /// Set if it was admitted without Redis: then it holds nothing, and what its limits have left is not known. It is
    /// charged as any other when it ends.
    public let blind: Blind?

    /// What an admission without Redis took of the node's allowance.
    public struct Blind: Sendable, Hashable {
        /// Whose allowance: a product with an outage policy of its own; `*`: all others'.
        public let allowance: String
        /// Given back when the call ends, for what it really cost.
        public let taken: MicroUSD

        public init(allowance: String, taken: MicroUSD) { (self.allowance, self.taken) = (allowance, taken) }
    }

    /// What a reservation holds in one shard.
    public struct Part: Sendable, Hashable {
        public let shard: Int
        /// Redis's time, milliseconds since 1970: names the periods of its budgets.
        public let admittedAtMs: Int
        public let holds: [Hold]

        public init(shard: Int, admittedAtMs: Int, holds: [Hold]) {
            self.shard = shard
            self.admittedAtMs = admittedAtMs
            self.holds = holds
        }
    }

    /// What a reservation holds of one limit.
    public struct Hold: Sendable, Hashable {
        public let limit: Limit.ID
        public let subject: String
        public let unit: Limit.Unit
        /// The Redis key of the limit's counter.
        public let key: String
        /// The kind of counter: how scripts read `key`.
        public let counter: Counter
        /// Units held.
        public let held: Int
        /// The limit's amount for this subject, and what remained of it after this admission.
        public let amount: Int
        public let source: Limit.AmountSource
        public let remaining: Int
        /// Milliseconds until the limit is whole again if nothing else happens.
        public let resetsInMs: Int
        /// False: the limit does not cover the model that serves the call, but would have covered another that could
        /// have. It stands here only because the order of the script's keys does.
        public var isCharged: Bool
        /// Of a limit that only counts, and is tried out where callers do not see it.
        public let isShadow: Bool

        public init(
            limit: Limit.ID, subject: String, unit: Limit.Unit, key: String, counter: Counter, held: Int, amount: Int,
            source: Limit.AmountSource = .default, remaining: Int, resetsInMs: Int, isCharged: Bool = true,
            isShadow: Bool = false
        ) {
            self.limit = limit
            self.subject = subject
            self.unit = unit
            self.key = key
            self.counter = counter
            self.held = held
            self.amount = amount
            self.source = source
            self.remaining = remaining
            self.resetsInMs = resetsInMs
            self.isCharged = isCharged
            self.isShadow = isShadow
        }

        /// Whether callers are told of it.
        public var isTold: Bool { isCharged && !isShadow }
    }

    /// The most that a shortened call may cost.
    public struct Bound: Sendable, Hashable {
        public var tokens: Int?
        public var cost: MicroUSD?

        public init(tokens: Int? = nil, cost: MicroUSD? = nil) { (self.tokens, self.cost) = (tokens, cost) }
    }

    public init(
        id: String, admittedAtMs: Int, leaseMs: Int, call: Call, candidate: Int = 0, estimate: Estimate? = nil,
        bound: Bound? = nil, shard: Int, holds: [Hold], sideParts: [Part] = [], blind: Blind? = nil
    ) {
        self.id = id
        self.admittedAtMs = admittedAtMs
        self.leaseMs = leaseMs
        self.call = call
        self.candidate = candidate
        self.estimate = estimate
        self.bound = bound
        self.shard = shard
        self.holds = holds
        self.sideParts = sideParts
        self.blind = blind
    }

    /// The part in the shard of the call's team (or address), which alone carries the usage event.
    public var home: Part { Part(shard: shard, admittedAtMs: admittedAtMs, holds: holds) }

    /// Everything it holds, in whatever shard.
    public var allHolds: [Hold] { sideParts.isEmpty ? holds : holds + sideParts.flatMap(\.holds) }

    /// What it holds, limit by limit, for the event: `ai-calls=1 spend=10500`, in the limits' integers. Nil: nothing.
    public var heldText: String? {
        let charged = allHolds.filter(\.isCharged)
        guard !charged.isEmpty else { return nil }
        // Besides the name: a space, the sign and at most twenty characters of a number.
        return String(bytes: charged.reduce(0) { $0 + $1.limit.utf8.count + 22 }) { text in
            for (index, hold) in charged.enumerated() {
                if index > 0 { text.put(UInt8(ascii: " ")) }
                text.put(hold.limit)
                text.put(UInt8(ascii: "="))
                text.put(decimal: hold.held)
            }
        }
    }
}

/// How a limit is counted in Redis.
public enum Counter: Sendable, Hashable {
    /// Every admission by itself, exact: for request limits of small amounts.
    case log(windowMs: Int)
    /// Sixty sub-windows and the current one; the oldest is counted in full.
    case ring(windowMs: Int)
    /// Settled and reserved units of a calendar period.
    case budget(Period)
    /// Live reservations by the end of their lease.
    case inFlight
}
