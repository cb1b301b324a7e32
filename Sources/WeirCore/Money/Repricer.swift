/// A call as it was charged: what pricing it again needs.
public struct ChargedCall: Sendable, Hashable {
    public var calledAtMs: Int
    public var provider: String
    public var requestedModel: String
    /// The model that served.
    public var model: String
    public var tokens: TokenUsage
    public var isBatch: Bool
    /// An option was asked for that the model's price says nothing of.
    public var hasUnpricedOption: Bool

    public init(
        calledAtMs: Int, provider: String, requestedModel: String, model: String, tokens: TokenUsage,
        isBatch: Bool = false, hasUnpricedOption: Bool = false
    ) {
        self.calledAtMs = calledAtMs
        self.provider = provider
        self.requestedModel = requestedModel
        self.model = model
        self.tokens = tokens
        self.isBatch = isBatch
        self.hasUnpricedOption = hasUnpricedOption
    }
}

/// Prices calls of any day again. Makes each day's table once.
public struct Repricer {
    private let history: PriceHistory
    private var tables: [UTCDay: PriceTable] = [:]

    public init(_ history: PriceHistory) { self.history = history }

    /// What the call costs by the prices of its day: those of the model that served, else of the one asked for, as when it
    /// was charged. Nil: there is no price.
    public mutating func cost(of call: ChargedCall) -> MicroUSD? {
        if call.hasUnpricedOption { return nil }
        let day = UTCDay(containingMs: call.calledAtMs)
        let table = tables[day] ?? history.table(on: day)
        tables[day] = table
        let price =
            table.price(provider: call.provider, model: call.model)
            ?? table.price(provider: call.provider, model: call.requestedModel)
        return price?.price.cost(of: call.tokens, isBatch: call.isBatch)
    }
}
