import NIOCore
import NIOHTTP1
import WeirCore

/// The way to the providers, of one event loop. Everything here happens on that loop.
protocol Upstream: AnyObject {
    /// Sends a call, once: it is never repeated, because a repeated call may be billed twice.
    /// Events may come before this returns.
    func start(_ request: UpstreamRequest, to receiver: any UpstreamReceiver) -> any UpstreamExchange
    /// Closes idle connections and refuses further calls.
    func stop() async
}

/// One call as it goes out.
struct UpstreamRequest {
    var base: ProviderBase
    /// Path and query, beginning with a slash.
    var target: String
    var method: HTTPMethod
    var headers: HTTPHeaders
    var body: ByteBuffer?
}

/// One call on its way.
protocol UpstreamExchange: AnyObject {
    /// Ends it at once. No events follow.
    func cancel()
}

/// Who is told about a call. A returned future holds back what follows until it completes; nil: go on.
/// After `upstreamEnded` or `upstreamFailed` nothing follows.
protocol UpstreamReceiver: AnyObject {
    func upstreamSent()
    func upstreamHead(_ head: HTTPResponseHead) -> EventLoopFuture<Void>?
    func upstreamBody(_ bytes: ByteBuffer) -> EventLoopFuture<Void>?
    func upstreamEnded()
    func upstreamFailed(_ error: any Error)
}
