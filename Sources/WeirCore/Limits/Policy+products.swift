extension Policy {
    /// The product with this name or alias, and its name; nil if there is none.
    public func product(named name: String) -> (name: String, product: Product)? {
        if let product = products[name] { return (name, product) }
        return products.first { $0.value.aliases.contains(name) }.map { ($0.key, $0.value) }
    }

    /// Everything that billable calls draw on, sorted: one limited set each.
    public var resources: [String] {
        Set(products.values.compactMap { $0.billable ? $0.resource : nil }).sorted()
    }
}
