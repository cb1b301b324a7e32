import WeirCore

/// For whom spending is summed.
package enum SpendGrouping: Sendable, Hashable { case everybody, team, user, product, key }

/// Which calls are summed: those of certain products and models.
package struct CallSelection: Sendable, Hashable {
    /// Nil: all. Empty: none.
    package var products: Set<String>?
    package var models: Set<String>?

    package static let all = CallSelection()

    package init(products: Set<String>? = nil, models: Set<String>? = nil) {
        self.products = products
        self.models = models
    }
}

/// What one subject spent.
package struct Spend: Sendable, Hashable {
    /// Nil when summed over everybody, or by product.
    package var team: String?
    /// Nil when summed over a team, and for calls without a user.
    package var user: String?
    /// When summed by product.
    package var product: String?
    /// When summed by API key: its id.
    package var key: String?
    package var totals: UsageTotals

    package init(
        team: String? = nil, user: String? = nil, product: String? = nil, key: String? = nil, totals: UsageTotals
    ) {
        self.team = team
        self.user = user
        self.product = product
        self.key = key
        self.totals = totals
    }
}
