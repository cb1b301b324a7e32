/// One call that reached the simulator, as ``CallLog`` remembers it.
package struct SimulatedCall: Sendable, Equatable {
    /// How a call ended. `open` until it has.
    package enum Outcome: String, Sendable, Equatable, CaseIterable {
        case open
        /// The whole answer was written.
        case completed
        /// The client hung up before the answer was whole.
        case clientGone = "client_gone"
        /// The simulator cut the connection, as `reset-after` told it to.
        case reset
        /// The simulator fell silent, as `hang-after` told it to.
        case hung
        /// The stream ended in good order, but before its time, as `end-after` told it to.
        case cut
        /// The answer was an error, which nobody pays for; or it ended in one, as `error-after` told it to.
        case error
    }

    /// One header as it arrived; the value of a credential is hidden.
    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    /// Counts up from 1 in the order of arrival.
    package var id: Int
    /// The API key the call was made with, empty when there was none.
    package var key: String
    /// The path without its query, such as `/v1/messages`.
    package var endpoint: String
    /// The model asked for, empty when the request names none.
    package var model: String
    package var isStream: Bool
    /// What a provider would bill: for a stream that was cut, the input and the output made so far; for a client
    /// that left before the answer's head, the input; for an error, a hang or a reset before the head, nothing.
    package var usage: SimulatedUsage
    package var outcome: Outcome
    package var status: Int
    /// Nil for calls so old that their headers are no longer kept.
    package var requestHeaders: [Header]?
    /// Unix time in milliseconds.
    package var calledAtMs: Int64
    /// The call's `weir-request-id`, nil when it came without one.
    package var request: String?
}
