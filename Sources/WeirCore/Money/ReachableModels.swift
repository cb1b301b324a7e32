extension Policy {
    /// The models that the policy names, each once, in order of names: those of the ladder, of limits and of products.
    public var namedModels: [String] {
        var models = Set(ladder.map(\.model) + limits.flatMap(\.match.models))
        for product in products.values {
            models.formUnion(product.models)
            // What a name is rewritten to may be an alias, which stands for models of the ladder.
            models.formUnion(product.rewrite.values.filter { $0 != "auto" && !$0.hasPrefix("tier:") })
        }
        return models.sorted()
    }
}

extension PriceTable {
    /// Of these models those that no provider's price is known of, each once, in order of names. A call of one is denied
    /// or charged by the policy's `unpriced_models`.
    public func unpriced(_ models: some Sequence<String>) -> [String] {
        Set(models).filter { !isPriced($0) }.sorted()
    }
}
