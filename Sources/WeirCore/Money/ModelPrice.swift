/// One model of a provider: its price and its bounds.
public struct ModelPrice: Sendable, Hashable, Codable {
    /// `anthropic`, `openai`.
    public var provider: String
    /// The name that the provider's own pages use for exactly this model.
    public var model: String
    /// Other names that carry this price. A name counts only if it is listed: nothing is guessed from prefixes.
    public var aliases: [String]
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
        provider: String, model: String, aliases: [String] = [], price: Price, contextWindow: Int,
        maxOutputTokens: Int, maxImageTokens: Int = 0, source: String, note: String? = nil
    ) {
        self.provider = provider
        self.model = model
        self.aliases = aliases
        self.price = price
        self.contextWindow = contextWindow
        self.maxOutputTokens = maxOutputTokens
        self.maxImageTokens = maxImageTokens
        self.source = source
        self.note = note
    }

    enum CodingKeys: String, CodingKey {
        case provider, model, aliases, price, source, note
        case contextWindow = "context_window"
        case maxOutputTokens = "max_output_tokens"
        case maxImageTokens = "max_image_tokens"
    }
}
