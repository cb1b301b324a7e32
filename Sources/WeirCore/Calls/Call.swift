/// One call that wants to spend: who makes it, through which product, for which model. Only identity and policy
/// fill this in; nothing in it is the client's own claim.
public struct Call: Sendable, Hashable {
    public var team: String
    public var user: String?
    public var groups: [String]
    /// The API key's short id.
    public var key: String
    /// The client's address as limits count it: ``IPAddress/subject``.
    public var ip: String?
    /// The product's name, never an alias.
    public var product: String
    public var callClass: String
    public var billable: Bool
    public var resource: String?
    /// The model that serves it.
    public var model: String

    public init(
        team: String, user: String? = nil, groups: [String] = [], key: String, ip: String? = nil, product: String,
        callClass: String, billable: Bool, resource: String? = nil, model: String
    ) {
        self.team = team
        self.user = user
        self.groups = groups
        self.key = key
        self.ip = ip
        self.product = product
        self.callClass = callClass
        self.billable = billable
        self.resource = resource
        self.model = model
    }

    /// Whether it came without an API key, to a product that allows it.
    public var isAnonymous: Bool { team == APIKeyRecord.anonymous.team }
}

/// What a call may cost, before it is made.
public struct Estimate: Sendable, Hashable {
    /// An upper bound of all its tokens, and of its money: what is reserved.
    public var tokens: Int
    public var cost: MicroUSD
    /// The input's part of both: what is left is output.
    public var inputTokens: Int
    public var inputCost: MicroUSD
    /// What the call has already used in all likelihood once it has left: its input. Charged if the node dies at once.
    public var observed: TokenUsage
    public var observedCost: MicroUSD

    public init(
        tokens: Int, cost: MicroUSD, inputTokens: Int = 0, inputCost: MicroUSD = .zero, observed: TokenUsage,
        observedCost: MicroUSD
    ) {
        self.tokens = tokens
        self.cost = cost
        self.inputTokens = inputTokens
        self.inputCost = inputCost
        self.observed = observed
        self.observedCost = observedCost
    }
}
