/// Everything the operator decides, as published to every node. Read from YAML by ``PolicyFile``; published as JSON.
public struct Policy: Sendable, Hashable, Codable {
    /// Given by the ledger when the policy is applied; grows by one each time. 0: not applied.
    public var version: Int
    /// By name.
    public var products: [String: Product]
    public var classes: [String: CallClass]
    public var limits: [Limit]
    /// Models from dearest to cheapest.
    public var ladder: [Rung]
    public var downgrade: Downgrade
    public var costGuard: CostGuard?
    public var unpricedModels: UnpricedModels
    public var orphans: Orphans
    public var outage: Outage
    public var alerts: Alerts

    /// A named way in.
    public struct Product: Sendable, Hashable, Codable {
        public var callClass: String
        public var billable: Bool
        /// What the calls of a billable product draw on.
        public var resource: String?
        public var aliases: [String]
        /// Whether it serves callers without an API key, counted by their address. Never a billable one.
        public var anonymous: Bool
        /// The models that may serve its calls; empty: all.
        public var models: [String]
        /// Model asked for → model that takes its place; `*` stands for every other.
        public var rewrite: [String: String]
        /// While Redis is away; nil: as the policy says for all.
        public var outage: Outage?

        /// Where its calls go instead of to the provider; nil: to the provider.
        public var upstream: Upstream?

        public init(
            callClass: String, billable: Bool, resource: String? = nil, aliases: [String] = [],
            anonymous: Bool = false, models: [String] = [], rewrite: [String: String] = [:], outage: Outage? = nil,
            upstream: Upstream? = nil
        ) {
            self.callClass = callClass
            self.billable = billable
            self.resource = resource
            self.aliases = aliases
            self.anonymous = anonymous
            self.models = models
            self.rewrite = rewrite
            self.outage = outage
            self.upstream = upstream
        }

        enum CodingKeys: String, CodingKey {
            case callClass = "class", billable, resource, aliases, anonymous, models, rewrite, outage, upstream
        }
    }

    /// A server of the operator's own that speaks a provider's API.
    ///
    /// The providers' keys never go there. Who may apply a policy could otherwise send them to any place.
    public struct Upstream: Sendable, Hashable, Codable {
        /// Scheme, host and maybe port and path before the API's own: `https://models.internal`.
        public var url: String
        /// The variable of the gateway's environment that holds the key for it, `WEIR_UPSTREAM_…`; nil: it takes none.
        public var keyVariable: String?

        /// How every such variable begins: a policy can name these, and no other secret of the gateway's.
        public static let variablePrefix = "WEIR_UPSTREAM_"

        public init(url: String, keyVariable: String? = nil) {
            self.url = url
            self.keyVariable = keyVariable
        }

        enum CodingKeys: String, CodingKey { case url, keyVariable = "key_env" }
    }

    /// A kind of work.
    public struct CallClass: Sendable, Hashable, Codable {
        /// Whether a thrown global kill switch stops it.
        public var killSwitch: Bool

        public init(killSwitch: Bool) { self.killSwitch = killSwitch }

        enum CodingKeys: String, CodingKey { case killSwitch = "kill_switch" }
    }

    /// Global spending at which the aggregator warns and throws the kill switch.
    public struct CostGuard: Sendable, Hashable, Codable {
        public var warn: MicroUSD?
        public var kill: MicroUSD?
        public var period: Period

        public init(warn: MicroUSD?, kill: MicroUSD?, period: Period) {
            self.warn = warn
            self.kill = kill
            self.period = period
        }

        enum CodingKeys: String, CodingKey { case warn = "warn_micros", kill = "kill_micros", period }
    }

    /// What happens to a call of a model without a price.
    public enum UnpricedModels: String, Sendable, Hashable, Codable, CaseIterable { case deny, dearest, flag }

    /// What a call is charged whose node died, until its real usage is known after all: what was last observed of it, what
    /// its reservation held (never less than was observed), or nothing.
    public enum Orphans: String, Sendable, Hashable, Codable, CaseIterable { case observed, reserved, none }

    /// What a node may do while Redis is away. With 0 in either it closes at once, which is the default.
    public struct Outage: Sendable, Hashable, Codable {
        /// For how long it may admit calls that Redis gives no answer to.
        public var openForMs: Int
        /// How much it may spend on them.
        public var allowance: MicroUSD

        public init(openForMs: Int = 0, allowance: MicroUSD = .zero) {
            self.openForMs = openForMs
            self.allowance = allowance
        }

        enum CodingKeys: String, CodingKey { case openForMs = "open_for_ms", allowance = "allowance_micros" }
    }

    public struct Alerts: Sendable, Hashable, Codable {
        /// Shares of a limit, in ten-thousandths.
        public var at: [Int]
        public var webhook: String?
        /// What is sent there; nil: by whose address it is.
        public var form: Form?

        public enum Form: String, Sendable, Hashable, Codable, CaseIterable { case json, slack }

        public init(at: [Int] = [], webhook: String? = nil, form: Form? = nil) {
            self.at = at
            self.webhook = webhook
            self.form = form
        }
    }

    public init(
        version: Int = 0, products: [String: Product], classes: [String: CallClass], limits: [Limit],
        ladder: [Rung] = [], downgrade: Downgrade = .aliases, costGuard: CostGuard? = nil,
        unpricedModels: UnpricedModels = .deny, orphans: Orphans = .observed,
        outage: Outage = Outage(), alerts: Alerts = Alerts()
    ) {
        self.version = version
        self.products = products
        self.classes = classes
        self.limits = limits
        self.ladder = ladder
        self.downgrade = downgrade
        self.costGuard = costGuard
        self.unpricedModels = unpricedModels
        self.orphans = orphans
        self.outage = outage
        self.alerts = alerts
    }

    enum CodingKeys: String, CodingKey {
        case version, products, classes, limits, ladder, downgrade, orphans, outage, alerts
        case costGuard = "cost_guard"
        case unpricedModels = "unpriced_models"
    }
}
