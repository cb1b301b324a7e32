import Foundation
import WeirCore

extension PriceHistory {
    /// The table that ships with Weir: `Prices/prices.json`, which names its sources and the day they were read.
    /// Decode it once, at start.
    ///
    /// - Throws: only if the file in the repository is broken, which a test excludes.
    package static func shipped() throws -> PriceHistory {
        try JSONDecoder().decode(PriceHistory.self, from: Data(PackageResources.prices_json))
    }
}

extension PriceTable {
    /// The shipped prices on a day; without one, those that hold when all of them have come into force.
    package static func shipped(on day: UTCDay = UTCDay(number: .max)) throws -> PriceTable {
        try PriceHistory.shipped().table(on: day)
    }
}
