import GRDB

extension LedgerError {
    /// What an error of GRDB or SQLite lets the caller assume. Result codes: sqlite.org/rescode.html.
    init(_ error: any Error, path: String = "the ledger") {
        switch error {
        case let error as LedgerError:
            self = error
        case is CancellationError:
            self = .cancelled
        case let error as DatabaseError:
            // Without the statement's arguments: they hold names of people.
            let text = "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))"
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(text)
            case .SQLITE_FULL: self = .full(text)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                self = .corrupt(SQLiteLedger.restoreAdvice(path: path, why: text))
            case .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: self = .io(text)
            case .SQLITE_INTERRUPT, .SQLITE_ABORT: self = .cancelled
            case .SQLITE_CONSTRAINT: self = .invalid(text)
            default: self = .failed(text)
            }
        default:
            self = .failed(String(describing: error))
        }
    }
}
