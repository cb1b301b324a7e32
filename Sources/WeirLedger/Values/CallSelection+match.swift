import WeirCore

extension Limit.Match {
    /// The products and models of the calls it covers, as the ledger's sums know them.
    package func selection(in policy: Policy) -> CallSelection {
        var selection = CallSelection()
        if resource != nil || !products.isEmpty || !classes.isEmpty {
            selection.products = Set(
                policy.products.filter { name, product in
                    (resource == nil || (product.billable && product.resource == resource))
                        && (products.isEmpty || products.contains(name))
                        && (classes.isEmpty || classes.contains(product.callClass))
                }.keys)
        }
        if !models.isEmpty { selection.models = Set(models) }
        return selection
    }
}
