import NIOCore

/// An error body in the dialect of the API that was called.
enum ErrorAnswer {
    static func body(
        _ dialect: Endpoint.Dialect, status: Int, message: String, parameter: String? = nil, id: Int
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        switch dialect {
        case .anthropic:
            buffer.writeStaticString(#"{"type":"error","error":{"type":""#)
            buffer.writeStaticString(anthropicType(status))
            buffer.writeStaticString(#"","message":"#)
            buffer.writeJSON(message)
            buffer.writeStaticString(#"},"request_id":""#)
            buffer.writeID("req_", id)
            buffer.writeStaticString(#""}"#)
        case .openAI:
            let (type, code) = openAIType(status)
            buffer.writeStaticString(#"{"error":{"message":"#)
            buffer.writeJSON(message)
            buffer.writeStaticString(#","type":""#)
            buffer.writeStaticString(type)
            buffer.writeStaticString(#"","param":"#)
            if let parameter { buffer.writeJSON(parameter) } else { buffer.writeStaticString("null") }
            buffer.writeStaticString(#","code":"#)
            if let code { buffer.writeJSON(code) } else { buffer.writeStaticString("null") }
            buffer.writeStaticString("}}")
        case .gemini:
            buffer.writeStaticString(#"{"error":{"code":"#)
            buffer.writeDecimal(status)
            buffer.writeStaticString(#","message":"#)
            buffer.writeJSON(message)
            buffer.writeStaticString(#","status":""#)
            buffer.writeStaticString(geminiStatus(status))
            buffer.writeStaticString(#""}}"#)
        }
        return buffer
    }

    /// The event that ends a stream which cannot go on.
    /// - Parameter inArray: the stream is a JSON array, whose last element the error becomes.
    static func event(_ dialect: Endpoint.Dialect, id: Int, inArray: Bool = false) -> ByteBuffer {
        var buffer = ByteBuffer(string: inArray ? ",\n" : dialect == .anthropic ? "event: error\ndata: " : "data: ")
        let status = dialect == .anthropic ? 529 : 500
        buffer.writeImmutableBuffer(body(dialect, status: status, message: "Simulated error in the stream.", id: id))
        buffer.writeStaticString(inArray ? "]" : "\n\n")
        return buffer
    }

    /// From docs.anthropic.com, "Errors".
    private static func anthropicType(_ status: Int) -> StaticString {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 504: "timeout_error"
        case 529: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }

    /// From ai.google.dev, "Troubleshooting guide".
    private static func geminiStatus(_ status: Int) -> StaticString {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 429: "RESOURCE_EXHAUSTED"
        case 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        case 500...: "INTERNAL"
        default: "INVALID_ARGUMENT"
        }
    }

    /// From platform.openai.com, "Error codes".
    private static func openAIType(_ status: Int) -> (type: StaticString, code: String?) {
        switch status {
        case 401: ("invalid_request_error", "invalid_api_key")
        case 429: ("requests", "rate_limit_exceeded")
        case 503: ("service_unavailable", nil)
        case 500...: ("server_error", nil)
        default: ("invalid_request_error", nil)
        }
    }
}
