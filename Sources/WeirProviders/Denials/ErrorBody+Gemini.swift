import WeirCore

extension JSONWriter {
    /// `"error": {"code", "message", "status", "details"}`. A wait is told as `google.rpc.RetryInfo`, which is where
    /// Google's clients look for it. Source: https://google.aip.dev/193
    mutating func geminiError(for denial: Denial) {
        key("error")
        beginObject()
        member("code", denial.reason.status)
        member("message", denial.message)
        member("status", denial.reason.geminiStatus)
        if let seconds = denial.retryAfter {
            key("details")
            beginArray()
            beginObject()
            member("@type", "type.googleapis.com/google.rpc.RetryInfo")
            member("retryDelay", "\(seconds)s")
            endObject()
            endArray()
        }
        member(weir: denial)
        endObject()
    }
}

extension Denial.Reason {
    /// `error.status`: the name of a `google.rpc.Code`, as Google maps it to this HTTP status.
    var geminiStatus: String {
        switch self {
        case .unauthorized: "UNAUTHENTICATED"
        case .forbidden, .modelNotAllowed, .modelUnpriced: "PERMISSION_DENIED"
        case .teamLimited, .rateLimited, .budgetExhausted, .concurrencyExhausted: "RESOURCE_EXHAUSTED"
        case .killSwitch, .degraded, .providerUnavailable: "UNAVAILABLE"
        case .invalidRequest, .requestTooLarge: "INVALID_ARGUMENT"
        case .unknownRoute, .unknownReservation: "NOT_FOUND"
        case .reservationEnded: "FAILED_PRECONDITION"
        case .providerTimeout: "DEADLINE_EXCEEDED"
        }
    }
}
