import WeirCore

/// Which product a call goes through, and whether its key may use it.
package enum ProductChoice {
    /// The product of calls that name none.
    package static let standard = "default"

    /// The path's product if it names one, else the key's first, else `default`.
    package static func choose(
        path: String?, record: APIKeyRecord, policy: Policy
    ) throws(DeniedChoice) -> (name: String, product: Policy.Product) {
        let asked = path ?? record.products.first ?? standard
        guard let found = policy.product(named: asked) else {
            throw DeniedChoice(Denial(.unknownRoute, "There is no product '\(asked)'."))
        }
        guard
            record.products.isEmpty
                || record.products.contains(where: { $0 == found.name || found.product.aliases.contains($0) })
        else {
            throw DeniedChoice(Denial(.forbidden, "This API key may not use the product '\(found.name)'."))
        }
        return found
    }
}
