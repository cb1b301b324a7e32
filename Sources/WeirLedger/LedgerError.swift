/// Why the ledger did not do it. Every operation is one transaction, and repeating `ingest` is always safe.
package enum LedgerError: Error, Sendable, Equatable {
    /// The address of the ledger, or what it was asked to write, is wrong. Nothing was written; repeating is useless.
    case invalid(String)
    /// Another process holds the write lock for longer than we wait. Nothing was written; repeat later.
    case busy(String)
    /// No space is left. Nothing was written; repeat when there is.
    case full(String)
    /// The file is damaged. Nothing can be trusted until it is restored.
    case corrupt(String)
    /// Reading or writing the disk failed, or it is read-only. What was being written may or may not stand: open the
    /// ledger again before going on, since after a failed fsync the system may have forgotten pages it never wrote.
    case io(String)
    /// The task was cancelled. What was being written may or may not stand.
    case cancelled
    /// Anything else: ours to mend. Nothing was written.
    case failed(String)
}

extension LedgerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalid(let text): text
        case .busy(let text): "the ledger is busy: \(text)"
        case .full(let text): "the ledger's disk is full: \(text)"
        case .corrupt(let text): "the ledger is damaged: \(text)"
        case .io(let text): "the ledger's disk failed: \(text)"
        case .cancelled: "cancelled while waiting for the ledger"
        case .failed(let text): "the ledger failed: \(text)"
        }
    }
}
