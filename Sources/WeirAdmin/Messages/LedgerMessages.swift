import WeirLedger

/// Which days to price again.
package struct RepriceRequest: Codable, Sendable, StrictMessage {
    /// UTC days, both included.
    package var from: String
    package var to: String
    /// Only say what would be done.
    package var dryRun: Bool?

    package init(from: String, to: String, dryRun: Bool? = nil) {
        self.from = from
        self.to = to
        self.dryRun = dryRun
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable { case from, to, dryRun = "dry_run" }
}

/// What repricing did, or would do.
package struct RepriceAnswer: Codable, Sendable {
    package var from: String
    package var to: String
    package var dryRun: Bool
    /// The version of the prices that it was done by.
    package var priceVersion: String
    /// Calls with tokens that were looked at.
    package var events: Int
    package var corrected: Int
    /// Those that have no price: left as they are.
    package var unpriced: Int
    /// Negative: they had been charged too much.
    package var differenceMicros: Int
    /// The same in dollars, exactly: decimal text.
    package var differenceUSD: String

    enum CodingKeys: String, CodingKey {
        case from, to, events, corrected, unpriced
        case dryRun = "dry_run"
        case priceVersion = "price_version"
        case differenceMicros = "difference_micros"
        case differenceUSD = "difference_usd"
    }
}

/// Whether the sums of days are the sums of their events.
package struct VerifyAnswer: Codable, Sendable {
    package var ok: Bool
    /// How many sums differ; the first hundred follow.
    package var differences: Int
    package var first: [Difference]

    package struct Difference: Codable, Sendable {
        /// `daily_summary`, or one of the coarser sums: `daily_user_summary`, `daily_kind_summary`.
        package var table: String
        package var day: String
        /// Nil, as what follows: of all, in that table.
        package var team: String?
        package var user: String?
        package var product: String?
        package var endpoint: String?
        package var model: String?
        /// What stands there; its name is the table's.
        package var summary: UsageLine
        /// What it has to be; its name says the sum of what.
        package var events: UsageLine

        init(_ difference: SummaryDifference) {
            table = difference.table
            day = difference.day
            team = difference.team
            user = difference.user
            product = difference.product
            endpoint = difference.endpoint
            model = difference.model
            summary = UsageLine(name: difference.table, totals: difference.summary)
            events = UsageLine(name: difference.sumOf, totals: difference.expected)
        }
    }

    init(_ differences: [SummaryDifference]) {
        ok = differences.isEmpty
        self.differences = differences.count
        first = differences.prefix(100).map(Difference.init)
    }
}

/// Events of some days, one page.
package struct EventPage: Codable, Sendable {
    /// Each one JSON object as text.
    package var events: [String]
    /// What `after` has to be for the next page; nil: this was the last.
    package var next: String?
}

/// Which days to sum up again; without them all that have events or sums.
package struct RebuildRequest: Codable, Sendable, StrictMessage {
    /// UTC days, both included.
    package var from: String?
    package var to: String?

    package init(from: String? = nil, to: String? = nil) {
        self.from = from
        self.to = to
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable { case from, to }
}

/// What summing up again changed.
package struct RebuildAnswer: Codable, Sendable {
    /// Nil: the ledger is empty.
    package var from: String?
    package var to: String?
    package var days: Int
    /// Sums of these days.
    package var sums: Int
    /// How many were not right before.
    package var corrected: Int
}
