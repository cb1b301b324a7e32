import WeirCore

/// The body of a denial in the dialect of the API that was called.
///
/// The `weir` object stands at the top level in all, and for OpenAI and Gemini also inside `error`: each provider's SDK
/// then finds it, since Anthropic's keeps the whole body (`error.body["weir"]`), OpenAI's only the `error` object
/// (`error.body["weir"]`), and of Gemini's details some clients keep only `error`.
package func errorBody(for denial: Denial, dialect: Dialect, requestID: String) -> [UInt8] {
    var writer = JSONWriter(capacity: 768)
    writer.beginObject()
    switch dialect {
    case .anthropic:
        writer.member("type", "error")
        writer.key("error")
        writer.beginObject()
        writer.member("type", denial.reason.anthropicType)
        writer.member("message", denial.message)
        writer.endObject()
        writer.member("request_id", requestID)
    case .openAI:
        writer.key("error")
        writer.beginObject()
        writer.member("message", denial.message)
        writer.member("type", denial.reason.openAIType)
        writer.key("param")
        writer.null()
        writer.member("code", denial.reason.openAICode)
        writer.member(weir: denial)
        writer.endObject()
        writer.member("request_id", requestID)
    case .gemini: writer.geminiError(for: denial)
    }
    writer.member(weir: denial)
    writer.endObject()
    return writer.bytes
}

extension JSONWriter {
    /// `"weir": {…}`; what is not known is left out.
    mutating func member(weir denial: Denial) {
        key("weir")
        beginObject()
        member("reason", denial.reason.rawValue)
        member("limit", ifPresent: denial.limit)
        member("subject", ifPresent: denial.subject)
        member("unit", ifPresent: denial.unit?.rawValue)
        member("used", ifPresent: denial.used)
        member("reserved", ifPresent: denial.reserved)
        member("amount", ifPresent: denial.amount)
        member("amount_source", ifPresent: denial.amountSource?.text)
        member("resets_at", ifPresent: denial.resetsAtMs.map(rfc3339))
        member("retry_after", ifPresent: denial.retryAfter)
        endObject()
    }
}

extension Denial.Reason {
    /// `error.type` as Anthropic's API and SDKs know it.
    var anthropicType: String {
        switch self {
        case .unauthorized: "authentication_error"
        case .forbidden, .modelNotAllowed, .modelUnpriced: "permission_error"
        case .teamLimited, .rateLimited, .budgetExhausted, .concurrencyExhausted: "rate_limit_error"
        case .killSwitch, .degraded: "overloaded_error"
        case .invalidRequest, .reservationEnded: "invalid_request_error"
        case .unknownRoute, .unknownReservation: "not_found_error"
        case .requestTooLarge: "request_too_large"
        case .providerUnavailable: "api_error"
        case .providerTimeout: "timeout_error"
        }
    }

    /// `error.type` as OpenAI's API uses it.
    var openAIType: String {
        switch self {
        case .unauthorized, .forbidden, .modelNotAllowed, .modelUnpriced, .invalidRequest, .unknownRoute,
            .requestTooLarge, .unknownReservation, .reservationEnded:
            "invalid_request_error"
        case .teamLimited, .budgetExhausted: "insufficient_quota"
        case .rateLimited, .concurrencyExhausted: "rate_limit_error"
        case .killSwitch, .degraded, .providerUnavailable, .providerTimeout: "server_error"
        }
    }

    /// `error.code`: OpenAI's own where clients look for it, else the reason.
    var openAICode: String {
        switch self {
        case .unauthorized: "invalid_api_key"
        case .modelNotAllowed: "model_not_allowed"
        case .rateLimited, .concurrencyExhausted: "rate_limit_exceeded"
        case .teamLimited, .budgetExhausted: "insufficient_quota"
        default: rawValue
        }
    }
}
