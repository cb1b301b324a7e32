import NIOCore
import NIOHTTP1

/// A connection to a provider: one call after the other, each sent in one write, and its answer told as it comes.
final class ProviderConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPClientRequestPart

    /// Why a call has no whole answer.
    enum Problem: Error {
        case closed
        case afterSwitchingProtocols
    }

    var idleSince = NIODeadline.now()
    private let codec: ProviderCodec
    private let keep: (ProviderConnection) -> Void
    private var context: ChannelHandlerContext?
    private var exchange: ProviderExchange?
    /// Whether the answer that is being read leaves the connection open.
    private var keepsOpen = false
    /// The answer's body is chunked and not at its end.
    private(set) var isReadingChunks = false
    /// Bytes of bodies that came from the parser; counts on from one answer to the next, and may wrap.
    private(set) var bodyBytesParsed = 0
    private var isPaused = false
    private var wantsRead = false

    /// - Parameters:
    ///   - codec: the channel's first handler but TLS, which makes bytes of requests.
    ///   - keep: is given the connection when it is free for the next call.
    init(codec: ProviderCodec, keep: @escaping (ProviderConnection) -> Void) {
        self.codec = codec
        self.keep = keep
        codec.connection = self
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        fail(Problem.closed)
    }

    /// Whether a call can be sent on it.
    var isUsable: Bool { exchange == nil && context?.channel.isActive ?? false }

    // MARK: A call

    func begin(_ exchange: ProviderExchange) {
        guard let request = exchange.takeRequest() else { return isUsable ? keep(self) : close() }
        guard let context, context.channel.isActive else { return exchange.fail(Problem.closed) }
        self.exchange = exchange
        exchange.connection = self
        (keepsOpen, isReadingChunks) = (false, false)
        exchange.receiver?.upstreamSent()
        codec.request = request
        let head = HTTPRequestHead(version: .http1_1, method: request.method, uri: request.target)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    /// Nobody waits for the answer any more. What the provider still sends would be in the way of the next call.
    func abandon() {
        exchange = nil
        close()
    }

    func close() {
        context?.close(promise: nil)
    }

    private func fail(_ error: any Error) {
        let failed = exchange.take()
        close()
        failed?.fail(error)
    }

    // MARK: Its answer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Of a call that was given up: the connection is closing.
        guard let exchange else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.status != .switchingProtocols else { return fail(Problem.afterSwitchingProtocols) }
            keepsOpen = head.isKeepAlive
            isReadingChunks = head.headers.first(name: "transfer-encoding")?.equalsIgnoringCase("chunked") ?? false
            exchange.receiver?.upstreamHead(head)
        case .body(let bytes):
            bodyBytesParsed &+= bytes.readableBytes
            exchange.receiver?.upstreamBody(bytes)
        case .end:
            isReadingChunks = false
            self.exchange = nil
            resume()
            // First, so that a call which this one's end brings about finds it.
            if keepsOpen { keep(self) } else { close() }
            exchange.end()
        }
    }

    /// A part of the body that did not go through the parser.
    func receiveBody(_ bytes: ByteBuffer) { exchange?.receiver?.upstreamBody(bytes) }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let receiver = exchange?.receiver, !receiver.upstreamReadComplete() { isPaused = exchange != nil }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error) }

    func channelInactive(context: ChannelHandlerContext) {
        fail(Problem.closed)
        context.fireChannelInactive()
    }

    // MARK: Back-pressure

    func read(context: ChannelHandlerContext) {
        if isPaused { wantsRead = true } else { context.read() }
    }

    func resume() {
        isPaused = false
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }
}

/// One call of ``ProviderConnections``.
final class ProviderExchange: UpstreamExchange {
    private var request: UpstreamRequest?
    fileprivate(set) var receiver: (any UpstreamReceiver)?
    /// While it is on its way; each end lets go of it.
    fileprivate var connection: ProviderConnection?

    init(_ request: UpstreamRequest, receiver: any UpstreamReceiver) {
        self.request = request
        self.receiver = receiver
    }

    /// What is to be sent, once; nil for a call that was given up.
    fileprivate func takeRequest() -> UpstreamRequest? { request.take() }

    func cancel() {
        (receiver, request) = (nil, nil)
        connection.take()?.abandon()
    }

    func resume() { connection?.resume() }

    func fail(_ error: any Error) {
        (request, connection) = (nil, nil)
        receiver.take()?.upstreamFailed(error)
    }

    fileprivate func end() {
        connection = nil
        receiver.take()?.upstreamEnded()
    }
}
