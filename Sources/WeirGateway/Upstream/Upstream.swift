import NIOCore
import NIOHTTP1
import WeirCore

/// The way to the providers, of one event loop. Everything here happens on that loop.
protocol Upstream: AnyObject {
    /// Sends a call, once: it is never repeated, because a repeated call may be billed twice.
    /// Events may come before this returns.
    func start(_ request: UpstreamRequest, to receiver: any UpstreamReceiver) -> any UpstreamExchange
    /// Closes connections that have been idle for too long.
    func check(now: NIODeadline)
    /// Closes idle connections and refuses further calls.
    func stop()
}

/// One call as it goes out.
struct UpstreamRequest {
    var base: ProviderBase
    /// Path and query, beginning with a slash.
    var target: String
    var method: HTTPMethod
    /// Without `host` and framing, which the sender adds.
    var fields: Fields
    var body: ByteBuffer?
}

/// One call on its way.
protocol UpstreamExchange: AnyObject {
    /// Ends it at once. No events follow.
    func cancel()
    /// Reads on after the receiver asked for a pause.
    func resume()
}

/// Who is told about a call. After `upstreamEnded` or `upstreamFailed` nothing follows.
protocol UpstreamReceiver: AnyObject {
    func upstreamSent()
    func upstreamHead(_ head: HTTPResponseHead)
    func upstreamBody(_ bytes: ByteBuffer)
    /// Everything that has been read by now has been told: the moment to pass it on.
    /// - Returns: whether more may be read. If not, the rest waits for ``UpstreamExchange/resume()``.
    func upstreamReadComplete() -> Bool
    func upstreamEnded()
    func upstreamFailed(_ error: any Error)
}
