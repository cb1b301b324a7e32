/// One entry of what stands in Redis because somebody said so and no sum says it again: a limited team, a switch. The
/// ledger keeps a copy, from which a Redis that has lost it is set up again.
package struct StandingEntry: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Of a limited set: `<resource>/<team>` → the score, unix seconds.
        case limited
        /// What the aggregator set there by itself, and what stood there before: `<resource>/<team>` → its words.
        case limitedByLedger = "limited-by-ledger"
        /// Of the kill switch: scope → JSON.
        case killSwitch = "kill-switch"
        /// That the cost guard has acted in a period: the Redis key → the threshold in micro-dollars.
        case costGuard = "cost-guard"
    }

    package struct Place: Sendable, Hashable {
        package let kind: Kind
        package let name: String

        package init(_ kind: Kind, _ name: String) { (self.kind, self.name) = (kind, name) }
    }

    package var place: Place
    package var value: String

    package init(_ kind: Kind, _ name: String, _ value: String) {
        place = Place(kind, name)
        self.value = value
    }
}
