import WeirCore

/// A call that the ledger has as `orphaned`: charged at what was last observed of it, until its real usage comes.
package struct StandingOrphan: Sendable, Hashable {
    package let id: String
    package let calledAtMs: Int
    package let model: String
    /// What it adds to the sums, corrections included, and whose they are: team, user, product and key.
    package let spend: Spend

    package init(id: String, calledAtMs: Int, model: String, spend: Spend) {
        self.id = id
        self.calledAtMs = calledAtMs
        self.model = model
        self.spend = spend
    }
}

extension CallSelection {
    /// Whether what the call adds to the sums is selected.
    package func contains(_ orphan: StandingOrphan) -> Bool {
        (products.map { products in orphan.spend.product.map(products.contains) ?? false } ?? true)
            && (models?.contains(orphan.model) ?? true)
    }
}
