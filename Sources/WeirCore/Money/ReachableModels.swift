extension Policy {
    /// The models that the policy names, each once, in order of names: those of the ladder and of limits.
    public var namedModels: [String] { Set(ladder + limits.flatMap(\.match.models)).sorted() }
}

extension PriceTable {
    /// Of these models those that no provider's price is known of, each once, in order of names. A call of one is denied
    /// or charged by the policy's `unpriced_models`.
    public func unpriced(_ models: some Sequence<String>) -> [String] {
        Set(models).filter { !isPriced($0) }.sorted()
    }
}
