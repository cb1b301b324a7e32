import WeirCore

/// How one node stands under one outage policy, for metrics and health pages.
package struct OutageStanding: Sendable, Hashable {
    /// The product with a policy of its own; `*`: all others together.
    package let product: String
    /// `up`, `open`, `closed`.
    package let state: String
    /// What may still be spent blind.
    package let remaining: MicroUSD
    /// For how long the node may still be open.
    package let remainingMs: Int
    /// Calls admitted blind since the node started, and what those that have ended cost.
    package let calls: Int
    package let spent: MicroUSD

    package static let states = OutageState.Mode.allCases.map(\.rawValue)

    package init(
        product: String, state: String, remaining: MicroUSD, remainingMs: Int, calls: Int = 0, spent: MicroUSD = .zero
    ) {
        self.product = product
        self.state = state
        self.remaining = remaining
        self.remainingMs = remainingMs
        self.calls = calls
        self.spent = spent
    }
}
