import Foundation
import WeirCore

extension PriceTable {
    /// The table that ships with Weir: `Prices/prices.json`, which names its sources and the day they were read.
    /// Decode it once, at start.
    ///
    /// - Throws: only if the file in the repository is broken, which a test excludes.
    package static func shipped() throws -> PriceTable {
        try JSONDecoder().decode(PriceTable.self, from: Data(PackageResources.prices_json))
    }
}
