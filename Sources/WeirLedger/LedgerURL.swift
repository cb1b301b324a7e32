/// Where the ledger is: `sqlite:PATH`.
package enum LedgerURL: Sendable, Equatable {
    case sqlite(path: String)

    /// - Throws: ``LedgerError/invalid(_:)`` saying what would be right.
    package init(_ text: String) throws(LedgerError) {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            // The text may hold a password, so it is not repeated.
            throw .invalid("PostgreSQL is not supported yet as a ledger; use sqlite:PATH, for example sqlite:weir.db")
        }
        guard text.hasPrefix("sqlite:") else {
            throw .invalid("the ledger must be given as sqlite:PATH, for example sqlite:weir.db")
        }
        var path = text.dropFirst("sqlite:".count)
        // `sqlite:///var/lib/weir.db` is the usual long form of an absolute path.
        if path.hasPrefix("///") { path = path.dropFirst(2) }
        guard !path.isEmpty, path != ":memory:", !path.hasPrefix("//"), !path.contains("\0") else {
            throw .invalid(
                "sqlite: needs the path of a file, for example sqlite:weir.db or sqlite:/var/lib/weir/weir.db")
        }
        self = .sqlite(path: String(path))
    }

    /// Opens the ledger and brings its tables up to date; creates it if it is not there.
    package func open() throws(LedgerError) -> any AdminLedger {
        switch self {
        case .sqlite(let path): try SQLiteLedger(path: path)
        }
    }
}
