import WeirCore

/// Which product a call goes through, and whether its key may use it.
enum ProductChoice {
    /// The path's product if it names one, else the key's first, else `default`.
    static func choose(
        path: String?, record: APIKeyRecord, policy: Policy
    ) throws(Refusal) -> (name: String, product: Policy.Product) {
        let asked = path ?? record.products.first ?? "default"
        guard let found = find(asked, in: policy) else {
            throw .denial(Denial(.unknownRoute, "There is no product '\(asked)'."))
        }
        guard record.products.isEmpty || record.products.contains(where: { $0 == found.name || found.product.aliases.contains($0) })
        else {
            throw .denial(Denial(.forbidden, "This API key may not use the product '\(found.name)'."))
        }
        return found
    }

    /// By name, else by alias; aliases are unique within a policy.
    private static func find(_ name: String, in policy: Policy) -> (name: String, product: Policy.Product)? {
        if let product = policy.products[name] { return (name, product) }
        for (canonical, product) in policy.products where product.aliases.contains(name) {
            return (canonical, product)
        }
        return nil
    }
}
