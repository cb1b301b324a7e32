/// One model of a provider from a day on: its price and its bounds.
public struct ModelPrice: Sendable, Hashable {
    /// `anthropic`, `openai`.
    public var provider: String
    /// The name that the provider's own pages use for exactly this model.
    public var model: String
    /// Other names that carry this price. A name counts only if it is listed: nothing is guessed from prefixes.
    public var aliases: [String]
    /// The first UTC day of this price; nil: since ever.
    public var validFrom: UTCDay?
    public var price: Price
    /// The most input and output that one call can hold.
    public var contextWindow: Int
    /// The most output tokens of one answer.
    public var maxOutputTokens: Int
    /// An upper bound of what one image counts.
    public var maxImageTokens: Int
    /// The page the facts were read from.
    public var source: String
    /// What a reader of the table should know.
    public var note: String?

    public init(
        provider: String, model: String, aliases: [String] = [], validFrom: UTCDay? = nil, price: Price,
        contextWindow: Int, maxOutputTokens: Int, maxImageTokens: Int = 0, source: String, note: String? = nil
    ) {
        self.provider = provider
        self.model = model
        self.aliases = aliases
        self.validFrom = validFrom
        self.price = price
        self.contextWindow = contextWindow
        self.maxOutputTokens = maxOutputTokens
        self.maxImageTokens = maxImageTokens
        self.source = source
        self.note = note
    }

    /// Whether this price holds on `day`, unless a later one does.
    func isValid(on day: UTCDay) -> Bool { validFrom.map { $0 <= day } ?? true }
}

extension ModelPrice: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case provider, model, aliases, price, source, note
        case validFrom = "valid_from"
        case contextWindow = "context_window"
        case maxOutputTokens = "max_output_tokens"
        case maxImageTokens = "max_image_tokens"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            provider: fields.decode(String.self, forKey: .provider), model: fields.decode(String.self, forKey: .model),
            aliases: fields.decodeIfPresent([String].self, forKey: .aliases) ?? [],
            validFrom: fields.decodeIfPresent(UTCDay.self, forKey: .validFrom),
            price: fields.decode(Price.self, forKey: .price),
            contextWindow: fields.decode(Int.self, forKey: .contextWindow),
            maxOutputTokens: fields.decode(Int.self, forKey: .maxOutputTokens),
            maxImageTokens: fields.decodeIfPresent(Int.self, forKey: .maxImageTokens) ?? 0,
            source: fields.decode(String.self, forKey: .source),
            note: fields.decodeIfPresent(String.self, forKey: .note))
    }
}
