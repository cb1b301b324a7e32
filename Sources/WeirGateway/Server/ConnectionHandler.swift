import NIOCore
import NIOHTTP1

/// One client's connection: turns its requests into exchanges, one after the other, and keeps its deadlines.
///
/// A request that comes while the one before it is being answered (HTTP's pipelining) waits; nothing more is read until
/// its turn comes.
final class ConnectionHandler: ChannelDuplexHandler, Watched {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// Read and thrown away of a request that was answered before its end, so that the client gets to read the answer
    /// before it meets a reset.
    private static let discardedBytes = 1 << 20
    private static let discardingTime = TimeAmount.seconds(2)

    private enum Phase {
        /// Since when the next request's head is awaited.
        case idle
        case exchange(ClientExchange)
        /// The answer is out, the rest of the request is not in.
        case discarding(bytes: Int, until: NIODeadline)
        case closing
    }

    private let owner: GatewayLoop
    private let peer: Peer
    private let onClose: () -> Void
    private var context: ChannelHandlerContext?
    private var phase = Phase.idle
    private var idleUntil: NIODeadline
    private var unwritableSince: NIODeadline?
    private var writer = AnswerWriter()
    /// Said since the last flush; leaves in one write.
    private var outbound = ByteBuffer()
    /// What came after a request that is still being answered.
    private var waiting = CircularBuffer<HTTPServerRequestPart>()
    private var isTakingWaiting = false
    private var isReadHeldBack = false
    private var isQuiescing = false
    /// Of the last request.
    var readHead: ReadHead?
    var watchSlot: Int?

    init(owner: GatewayLoop, peer: Peer, onClose: @escaping () -> Void) {
        self.owner = owner
        self.peer = peer
        self.onClose = onClose
        idleUntil = .now() + TimeAmount(owner.node.configuration.deadlines.header)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        owner.watch(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        guard context != nil else { return }
        context = nil
        owner.unwatch(self)
        onClose()
        if case .exchange(let exchange) = phase { exchange.clientGone() }
        phase = .closing
    }

    // MARK: From the client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if !waiting.isEmpty { return waiting.append(part) }
        if case .head = part, case .exchange = phase { return waiting.append(part) }
        take(part)
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty { context.read() } else { isReadHeldBack = true }
    }

    /// The request that waited, up to the next one's head.
    private func takeWaiting() {
        // A request that is refused at once ends in here again: thousands of them must not make a deep stack.
        guard !isTakingWaiting else { return }
        isTakingWaiting = true
        defer { isTakingWaiting = false }
        while let part = waiting.first {
            if case .head = part, case .exchange = phase { return }
            waiting.removeFirst()
            take(part)
        }
        if isReadHeldBack {
            isReadHeldBack = false
            context?.read()
        }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes):
            switch phase {
            case .exchange(let exchange): exchange.receive(bytes)
            case .discarding(let left, let until):
                let left = left - bytes.readableBytes
                if left < 0 { close() } else { phase = .discarding(bytes: left, until: until) }
            case .idle, .closing: break
            }
        case .end:
            switch phase {
            case .exchange(let exchange): exchange.receiveEnd()
            case .discarding: close()
            case .idle, .closing: break
            }
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        guard case .idle = phase else { return close() }
        let exchange = ClientExchange(head: head, peer: peer, connection: self, owner: owner)
        phase = .exchange(exchange)
        exchange.begin()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return close() }
        switch phase {
        case .idle:
            let exchange = ClientExchange(
                head: HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"), peer: peer, connection: self,
                owner: owner)
            phase = .exchange(exchange)
            exchange.refuseUnreadable(error)
        case .exchange(let exchange): exchange.refuseUnreadable(error)
        case .discarding, .closing: break
        }
        close()
    }

    /// The node takes no new calls: the connection ends with the answer that is being given.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        isQuiescing = true
        if case .idle = phase { close() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        if case .exchange(let exchange) = phase, context.channel.isWritable { exchange.clientCanTakeMore() }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Towards the client

    /// As the channel said last, which costs nothing to ask.
    var isWritable: Bool { context != nil && unwritableSince == nil }

    /// Asks the client for the body that it holds back.
    func writeContinue() {
        outbound.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        flush()
    }

    /// What is written leaves with the next ``flush()`` or the answer's end.
    func writeHead(_ version: HTTPVersion, _ status: HTTPResponseStatus, _ fields: Fields) {
        writer.writeHead(version, status, fields, to: &outbound)
    }

    func writeBody(_ bytes: ByteBuffer) {
        guard let context else { return }
        if let large = writer.writeBody(bytes, to: &outbound) {
            passOn(context)
            context.write(wrapOutboundOut(large), promise: nil)
        }
    }

    private func passOn(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        context.write(wrapOutboundOut(outbound), promise: promise)
        // Let go of, since there may be ten thousand connections.
        outbound = ByteBuffer()
    }

    func flush() {
        guard let context else { return }
        if outbound.readableBytes > 0 { passOn(context) }
        context.flush()
    }

    /// Ends the answer. `keepsConnection` is false when the answer said so, or the request has not been read whole.
    func finish(requestIsWhole: Bool, keepsConnection: Bool) {
        guard let context else { return }
        writer.writeEnd(to: &outbound)
        if !requestIsWhole {
            phase = .discarding(bytes: Self.discardedBytes, until: .now() + Self.discardingTime)
            flush()
        } else if keepsConnection, !isQuiescing {
            phase = .idle
            idleUntil = .now() + TimeAmount(owner.node.configuration.deadlines.idleConnection)
            flush()
            if !waiting.isEmpty { takeWaiting() }
        } else {
            phase = .closing
            idleUntil = .now()
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenComplete { _ in self.close() }
            passOn(context, promise: promise)
            context.flush()
        }
    }

    func close() {
        guard let context else { return }
        context.close(promise: nil)
    }

    // MARK: Deadlines

    func check(now: NIODeadline) {
        let deadlines = owner.node.configuration.deadlines
        if let since = unwritableSince, now - since > TimeAmount(deadlines.writeProgress) { return close() }
        switch phase {
        case .idle: if now > idleUntil { close() }
        case .exchange(let exchange): exchange.check(now: now)
        case .discarding(_, let until): if now > until { close() }
        case .closing: if now > idleUntil + TimeAmount(deadlines.writeProgress) { close() }
        }
    }

    func stop() {
        switch phase {
        case .idle, .discarding, .closing: close()
        case .exchange(let exchange): exchange.stop()
        }
    }
}
