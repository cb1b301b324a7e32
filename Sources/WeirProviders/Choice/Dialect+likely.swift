import WeirCore

extension Dialect {
    /// Whose API a call for this model is in all likelihood, where nobody says: the first that has a price for it (of `auto`
    /// and `tier:…`: for a model of the ladder), else Anthropic's.
    package static func likely(
        for model: String, through product: Policy.Product, policy: Policy, prices: PriceTable
    ) -> Dialect {
        let wanted = product.rewritten(model)
        let names = ModelChoice.isAlias(wanted) ? policy.ladder.map(\.model) : [wanted]
        for name in names {
            if let known = allCases.first(where: { prices.price(provider: $0.rawValue, model: name) != nil }) {
                return known
            }
        }
        return .anthropic
    }
}

extension Endpoint {
    /// Where a call to this model goes in all likelihood: one that writes nothing embeds.
    package static func likely(for dialect: Dialect, model: String, prices: PriceTable) -> Endpoint {
        switch dialect {
        case .anthropic: .messages
        case .openAI:
            prices.price(provider: dialect.rawValue, model: model)?.maxOutputTokens == 0
                ? .embeddings : .chatCompletions
        case .gemini: .generateContent
        }
    }
}

extension Policy.Product {
    /// The model that takes the place of the one that was asked for.
    func rewritten(_ model: String) -> String { rewrite[model] ?? rewrite["*"] ?? model }
}
