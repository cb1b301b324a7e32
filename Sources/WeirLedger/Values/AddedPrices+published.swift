import WeirCore

extension AddedPrices {
    /// The text for the nodes; nil while nothing was added.
    package func published() throws(LedgerError) -> String? {
        guard version > 0 else { return nil }
        do { return try json() } catch { throw .failed("prices have no JSON form: \(error)") }
    }
}
