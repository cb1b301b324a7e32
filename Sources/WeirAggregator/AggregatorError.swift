import WeirLedger
import WeirRedis

/// Why a step did not finish. Every step may be repeated: what it had done by then is not done twice.
package enum AggregatorError: Error, Sendable, Equatable {
    case redis(RedisError)
    case ledger(LedgerError)
    /// Another aggregator leads by now: nothing was changed.
    case fenced
    /// `weir:meta` says what this version cannot serve. For the operator; repeating is useless.
    case misconfigured(String)
    case cancelled

    init(_ error: LedgerError) { self = error == .cancelled ? .cancelled : .ledger(error) }
    init(_ error: RedisError) { self = error == .cancelled ? .cancelled : .redis(error) }

    /// True if going on would be wrong: the process must end and open the ledger again, or somebody must mend it.
    package var isFatal: Bool {
        switch self {
        case .ledger(.io), .ledger(.corrupt), .misconfigured: true
        case .ledger, .redis, .fenced, .cancelled: false
        }
    }
}

extension AggregatorError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .redis(let error): "Redis: \(error)"
        case .ledger(let error): "\(error)"
        case .fenced: "another aggregator leads"
        case .misconfigured(let text): text
        case .cancelled: "cancelled"
        }
    }
}
