import NIOCore
import NIOHTTP1

/// One client's connection: turns its requests into exchanges, one after the other, and keeps its deadlines.
///
/// The pipelining handler before it lets the next request in only when the last one's answer has been written.
final class ConnectionHandler: ChannelInboundHandler, Watched {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

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
    private var isFlushScheduled = false
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
        switch unwrapInboundIn(data) {
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

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        if case .exchange(let exchange) = phase, context.channel.isWritable { exchange.clientCanTakeMore() }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Towards the client

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Writes; what is written in one tick of the loop leaves in one flush.
    func write(_ part: HTTPServerResponsePart) {
        guard let context else { return }
        context.write(wrapOutboundOut(part), promise: nil)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute {
            // Unless the answer has ended meanwhile: its end brings the flush.
            guard self.isFlushScheduled else { return }
            self.isFlushScheduled = false
            self.context?.flush()
        }
    }

    /// What was written in this tick leaves with the answer's end, not before.
    func holdFlush() { isFlushScheduled = false }

    func flush() {
        isFlushScheduled = false
        context?.flush()
    }

    /// Ends the answer. `keepsConnection` is false when the answer said so, or the request has not been read whole.
    func finish(requestIsWhole: Bool, keepsConnection: Bool) {
        guard let context else { return }
        isFlushScheduled = false
        if !requestIsWhole {
            phase = .discarding(bytes: Self.discardedBytes, until: .now() + Self.discardingTime)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else if keepsConnection {
            phase = .idle
            idleUntil = .now() + TimeAmount(owner.node.configuration.deadlines.idleConnection)
            // This may bring the next request at once.
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            phase = .closing
            idleUntil = .now()
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenComplete { _ in self.close() }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
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
