import WeirCore

/// Prices to add for ever.
package struct PriceRequest: Codable, Sendable, StrictMessage {
    package var models: [ModelPrice]
    /// Why, for the audit.
    package var note: String?

    package init(models: [ModelPrice], note: String? = nil) {
        self.models = models
        self.note = note
    }

    package static let fields = ["models", "note"]
}

/// The prices, and which of them are in force.
package struct PriceList: AdminList {
    /// What an event of now says: `2026-11-21`, or `2026-11-21+3` where prices were added three times.
    package var version: String
    /// The UTC day.
    package var day: String
    /// Those in force on that day, in the order of provider and model.
    package var models: [ModelPrice]
    /// Those that were replaced, or come into force later, in the same order.
    package var others: [ModelPrice]
    /// Models that policy or API keys name and that have no price.
    package var unpricedModels: [String]
    package var nextCursor: String?

    package var items: [ModelPrice] {
        get { models }
        set { models = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case version, day, models, others
        case nextCursor = "next_cursor"
        case unpricedModels = "unpriced_models"
    }
}

/// The answer to added prices.
package struct PricesAdded: Codable, Sendable {
    package var version: String
    package var added: Int
}
