import WeirCore

/// What was spent on a day under one name.
package struct NamedSpend: Sendable, Hashable {
    package var day: UTCDay
    /// Nil: all names that are not among the dearest.
    package var name: String?
    package var cost: MicroUSD

    package init(day: UTCDay, name: String?, cost: MicroUSD) {
        self.day = day
        self.name = name
        self.cost = cost
    }
}

/// How many calls the ledger has of a day, and how many denials.
package struct DayCalls: Sendable, Hashable {
    package var day: UTCDay
    package var calls: Int
    package var denials: Int

    package init(day: UTCDay, calls: Int, denials: Int) {
        self.day = day
        self.calls = calls
        self.denials = denials
    }
}
