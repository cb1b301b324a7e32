/// One call that reached a provider: what it used, what it cost, how it ended. A row of the ledger's `usage_event`.
///
/// Made by the node that settled the call (or by the reaper), carried by a shard's usage stream as one JSON object with
/// the field names of ``CodingKeys``, written to the ledger exactly once by ``id``.
public struct UsageEvent: Sendable, Hashable {
    /// The reservation's id, made by the node: a ULID. Unique in the ledger.
    public var id: String
    /// Redis's time when the call was admitted, in milliseconds since 1970.
    public var calledAtMs: Int
    public var team: String
    public var user: String?
    /// The API key's short id, never the key.
    public var key: String?
    public var session: String?
    /// The id the client was told in `weir-request-id`.
    public var request: String?
    public var product: String
    public var billable: Bool
    public var callClass: String
    /// `messages`, `chat.completions`, …
    public var endpoint: String
    /// `anthropic`, `openai`.
    public var provider: String
    public var role: String?
    public var task: String?
    /// What the caller asked for, and what served it.
    public var requestedModel: String
    public var model: String
    public var tokens: TokenUsage
    public var cost: MicroUSD
    public var priceVersion: String
    /// False: the model had no price of its own.
    public var isModelKnown: Bool
    /// The first tool the answer called.
    public var toolUsed: String?
    public var latencyMs: Int
    public var isOK: Bool
    /// The HTTP status that the client was sent; 0 if none was.
    public var status: Int
    public var outcome: Outcome
    public var promptVersion: String?
    /// Anything else, as text: for example `estimated` → why a count is not the provider's own.
    public var extra: [String: String]

    /// In ``extra``: the option of the request that has no price here, so that the model's price says nothing of the call.
    public static let unpricedOption = "unpriced_option"
    /// In ``extra``: `1` for a call that was admitted while Redis gave no answer.
    public static let blind = "blind"
    /// In ``extra``: what the call held while it ran, ``Reservation/heldText``.
    public static let reserved = "reserved"

    /// How a call ended.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        case completed
        /// The client hung up; charged what was observed, or all if the answer was drained.
        case clientGone = "client_gone"
        /// The provider answered with an error status.
        case providerError = "provider_error"
        /// The provider's answer broke off.
        case providerCut = "provider_cut"
        /// The provider fell silent beyond the deadline.
        case providerTimeout = "provider_timeout"
        /// The node ended the call itself, on shutdown.
        case nodeStopped = "node_stopped"
        /// Its node died; settled by the reaper at what was last observed.
        case orphaned
    }

    public init(
        id: String, calledAtMs: Int, team: String, user: String? = nil, key: String? = nil, session: String? = nil,
        request: String? = nil, product: String, billable: Bool, callClass: String, endpoint: String,
        provider: String, role: String? = nil, task: String? = nil, requestedModel: String, model: String,
        tokens: TokenUsage = .zero, cost: MicroUSD = .zero, priceVersion: String, isModelKnown: Bool = true,
        toolUsed: String? = nil, latencyMs: Int = 0, isOK: Bool = true, status: Int = 0,
        outcome: Outcome = .completed, promptVersion: String? = nil, extra: [String: String] = [:]
    ) {
        self.id = id
        self.calledAtMs = calledAtMs
        self.team = team
        self.user = user
        self.key = key
        self.session = session
        self.request = request
        self.product = product
        self.billable = billable
        self.callClass = callClass
        self.endpoint = endpoint
        self.provider = provider
        self.role = role
        self.task = task
        self.requestedModel = requestedModel
        self.model = model
        self.tokens = tokens
        self.cost = cost
        self.priceVersion = priceVersion
        self.isModelKnown = isModelKnown
        self.toolUsed = toolUsed
        self.latencyMs = latencyMs
        self.isOK = isOK
        self.status = status
        self.outcome = outcome
        self.promptVersion = promptVersion
        self.extra = extra
    }
}
