import WeirCore

/// Why a request's body is refused before anything is spent or forwarded.
package struct RequestError: Error, Sendable, Equatable {
    package let cause: JSONError

    /// What is wrong, where, and what to do, in one line for the caller.
    package var message: String {
        let advice =
            switch cause.problem {
            case .duplicateKey: "Send each field once."
            case .missingKey: "Add it."
            case .badValue, .outOfRange, .notAnInteger: "Correct the value."
            case .tooDeep: "Send a flatter body."
            default: "Send one JSON object in UTF-8."
            }
        return "Invalid request body: \(cause.sentence) (at byte \(cause.offset)). \(advice)"
    }

    package var denial: Denial { Denial(.invalidRequest, message) }
}
