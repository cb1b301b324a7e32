import NIOCore
import NIOHTTP1
import WeirCore
import WeirProviders

/// A denial as an answer, in the form that the called API's clients understand.
enum DenialAnswer {
    /// A wait beyond this is not worth an SDK's automatic repetition.
    private static let longestRetrySeconds = 60

    static func make(
        _ denial: Denial, dialect: Dialect, requestID: String, product: String?, status: HTTPResponseStatus?,
        keepsConnection: Bool
    ) -> (HTTPResponseHead, ByteBuffer) {
        let body = ByteBuffer(bytes: errorBody(for: denial, dialect: dialect, requestID: requestID))
        var headers = HTTPHeaders()
        headers.reserveCapacity(8)
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "content-length", value: String(body.readableBytes))
        headers.add(name: "weir-request-id", value: requestID)
        headers.add(name: "weir-reason", value: denial.reason.rawValue)
        if let product { headers.add(name: "weir-product", value: product) }
        if let retryAfter = denial.retryAfter { headers.add(name: "retry-after", value: String(max(retryAfter, 1))) }
        if denial.retryAfter.map({ $0 > longestRetrySeconds }) ?? true {
            headers.add(name: "x-should-retry", value: "false")
        }
        if !keepsConnection { headers.add(name: "connection", value: "close") }
        let status = status ?? HTTPResponseStatus(statusCode: denial.reason.status)
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
    }
}
