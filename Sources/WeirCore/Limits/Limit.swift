/// One rule: who may use how much of which unit, for which calls, over which span.
public struct Limit: Sendable, Hashable, Codable, Identifiable {
    /// `[a-z0-9_-]`, 1 to 64 bytes; part of Redis keys and of every denial.
    public var id: String
    public var per: Per
    public var unit: Unit
    public var span: Span
    /// Which calls it covers; every field that is set must match.
    public var match: Match
    /// In the unit's integers: requests, LLM tokens, micro-dollars, calls at once. `0` is unlimited.
    public var amount: Int
    /// Amounts of groups of a team, by group id.
    public var groupAmounts: [String: Int]
    public var groupRule: GroupRule
    public var enforce: Enforcement
    /// From this share of a budget on, a cheaper model of the ladder serves the call. In ten-thousandths: 0.8 is 8000.
    public var downgradeAt: Int?
    /// How much of an estimate is held while the call runs.
    public var reserve: Reserve
    /// A call that does not fit is given as much output as does.
    public var clamp: Bool

    /// How much of an estimate is held while the call runs.
    public enum Reserve: String, Sendable, Hashable, Codable, CaseIterable {
        /// The upper bound: the limit never ends above its amount.
        case full
        /// What recent calls of the model and product make likely, at most the upper bound.
        case expected
        /// Nothing: only what has been settled counts.
        case none
    }

    public enum Per: String, Sendable, Hashable, Codable, CaseIterable {
        case user, team, group, key, ip, product, global
    }

    public enum Unit: String, Sendable, Hashable, Codable, CaseIterable {
        case requests, tokens, usd, concurrency
    }

    public enum Span: Sendable, Hashable {
        /// A sliding window, in milliseconds.
        case window(ms: Int)
        case period(Period)
        /// Calls in flight: no span but their own life.
        case inFlight
    }

    public struct Match: Sendable, Hashable, Codable {
        public var products: [String]
        public var classes: [String]
        public var models: [String]
        /// The limit covers billable calls of products that draw on this resource.
        public var resource: String?

        public init(products: [String] = [], classes: [String] = [], models: [String] = [], resource: String? = nil) {
            self.products = products
            self.classes = classes
            self.models = models
            self.resource = resource
        }
    }

    /// Which amount holds for a user in several groups.
    public enum GroupRule: String, Sendable, Hashable, Codable, CaseIterable { case min, max }

    public enum Enforcement: String, Sendable, Hashable, Codable, CaseIterable {
        /// Before the call, atomically.
        case reserve
        /// By the aggregator, through the limited set.
        case ledger
        /// Counted and reported, never denied.
        case shadow
    }

    public init(
        id: String, per: Per, unit: Unit, span: Span, match: Match = Match(), amount: Int,
        groupAmounts: [String: Int] = [:], groupRule: GroupRule = .min, enforce: Enforcement = .reserve,
        downgradeAt: Int? = nil, reserve: Reserve = .full, clamp: Bool = false
    ) {
        self.id = id
        self.per = per
        self.unit = unit
        self.span = span
        self.match = match
        self.amount = amount
        self.groupAmounts = groupAmounts
        self.groupRule = groupRule
        self.enforce = enforce
        self.downgradeAt = downgradeAt
        self.reserve = reserve
        self.clamp = clamp
    }
}

extension Limit.Span: Codable {
    private enum Keys: String, CodingKey { case windowMs = "window_ms", period }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        if let ms = try values.decodeIfPresent(Int.self, forKey: .windowMs) {
            self = .window(ms: ms)
        } else if let period = try values.decodeIfPresent(Period.self, forKey: .period) {
            self = .period(period)
        } else {
            self = .inFlight
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        switch self {
        case .window(let ms): try values.encode(ms, forKey: .windowMs)
        case .period(let period): try values.encode(period, forKey: .period)
        case .inFlight: break
        }
    }
}
