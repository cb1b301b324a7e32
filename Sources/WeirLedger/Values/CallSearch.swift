import WeirCore

/// Which calls are looked for; every field that is set must match. Newest first.
package struct CallSearch: Sendable, Hashable {
    /// Milliseconds since 1970, from the first and before the second.
    package var fromMs: Int
    package var beforeMs: Int
    package var team: String?
    package var user: String?
    package var key: String?
    package var product: String?
    package var model: String?
    package var outcome: String?
    /// Behind this one, which was read before.
    package var after: ExportedEvent.Place?

    package init(
        fromMs: Int, beforeMs: Int, team: String? = nil, user: String? = nil, key: String? = nil,
        product: String? = nil, model: String? = nil, outcome: String? = nil, after: ExportedEvent.Place? = nil
    ) {
        self.fromMs = fromMs
        self.beforeMs = beforeMs
        self.team = team
        self.user = user
        self.key = key
        self.product = product
        self.model = model
        self.outcome = outcome
        self.after = after
    }
}

/// A correction of a call's cost: prices were not what they should have been.
package struct CallCorrection: Sendable, Hashable {
    package var atMs: Int
    package var cost: MicroUSD
    package var priceVersion: String

    package init(atMs: Int, cost: MicroUSD, priceVersion: String) {
        self.atMs = atMs
        self.cost = cost
        self.priceVersion = priceVersion
    }
}
