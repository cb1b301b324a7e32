import NIOCore
import NIOHTTP1
import WeirCore
import WeirProviders

/// A denial as an answer, in the form that the called API's clients understand.
enum DenialAnswer {
    /// A wait beyond this is not worth an SDK's automatic repetition. Claude Code draws its line at the same place, and
    /// so does the `openai` package; the `anthropic` package would sleep for days.
    private static let longestRetrySeconds = 60

    static func make(
        _ denial: Denial, dialect: Dialect, requestID: String, product: String?, status: HTTPResponseStatus?,
        keepsConnection: Bool
    ) -> (HTTPResponseStatus, Fields, ByteBuffer) {
        let body = ByteBuffer(bytes: errorBody(for: denial, dialect: dialect, requestID: requestID))
        var headers: Fields = []
        headers.reserveCapacity(14)
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "content-length", value: String(body.readableBytes))
        headers.add(name: "weir-request-id", value: requestID)
        headers.add(name: "weir-reason", value: denial.reason.rawValue)
        if let product { headers.add(name: "weir-product", value: product) }
        if let retryAfter = denial.retryAfter { headers.add(name: "retry-after", value: String(max(retryAfter, 1))) }
        let isShort = denial.retryAfter.map { $0 <= longestRetrySeconds } ?? false
        headers.add(name: "x-should-retry", value: isShort ? "true" : "false")
        LimitHeaders.add(for: denial, dialect: dialect, to: &headers)
        if dialect == .anthropic, !isShort, denial.reason.status == 429 { addRejected(denial, to: &headers) }
        if !keepsConnection { headers.add(name: "connection", value: "close") }
        let status = status ?? HTTPResponseStatus(statusCode: denial.reason.status)
        return (status, headers, body)
    }

    /// Claude Code repeats a 429 again and again unless it is told in this way that the caller's quota is used up.
    /// Source: https://github.com/BerriAI/litellm/issues/37754
    private static func addRejected(_ denial: Denial, to headers: inout Fields) {
        headers.add(name: "anthropic-ratelimit-unified-status", value: "rejected")
        if let ms = denial.resetsAtMs {
            headers.add(name: "anthropic-ratelimit-unified-reset", value: String(ms / 1000))
        }
    }
}
