/// What usage is grouped by.
package enum UsageColumn: String, Sendable, Hashable, CaseIterable { case team, user, model, product, endpoint, day }

/// Which usage is asked for; every field that is set must match.
package struct UsageFilter: Sendable, Hashable {
    package var team: String?
    package var user: String?
    package var product: String?
    package var model: String?

    package init(team: String? = nil, user: String? = nil, product: String? = nil, model: String? = nil) {
        self.team = team
        self.user = user
        self.product = product
        self.model = model
    }
}

/// The usage of one team, user, model, product, endpoint or day.
package struct UsageRow: Sendable, Hashable {
    /// A user's name begins with the team, `acme/alice`, since two teams may each have an `alice`; calls without a user
    /// stand under `acme/`.
    package var name: String
    package var totals: UsageTotals

    package init(name: String, totals: UsageTotals) {
        self.name = name
        self.totals = totals
    }
}

/// A day's sum that is not what it has to be.
package struct SummaryDifference: Sendable, Hashable {
    /// Where it stands: `daily_summary`, or one of the coarser ones, `daily_user_summary` or `daily_kind_summary`.
    package var table: String
    /// What it is the sum of: `usage_event`, or `daily_summary`.
    package var sumOf: String
    package var day: String
    /// Nil, as what follows: of all, in that table.
    package var team: String?
    package var user: String?
    package var product: String?
    package var endpoint: String?
    package var model: String?
    /// What stands, and what it has to be.
    package var summary: UsageTotals
    package var expected: UsageTotals
}
