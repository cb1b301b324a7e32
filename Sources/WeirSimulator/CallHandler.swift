import NIOCore
import NIOHTTP1

/// One connection: collects a request, then hands its answer to an ``AnswerWriter``. The pipeline before it
/// delivers the next request only after the last answer's end.
final class CallHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The largest body that is read, in bytes; providers refuse far smaller ones.
    static let bodyBound = 64 << 20

    private let responder: Responder
    private let writer: AnswerWriter
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isTooLarge = false

    init(log: CallLog, metrics: SimulatorMetrics) {
        responder = Responder(log: log, metrics: metrics)
        writer = AnswerWriter(log: log, metrics: metrics)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ByteBuffer()
            isTooLarge = false
            if head.version == .http1_1, head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                let proceed = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(proceed)), promise: nil)
            }
        case .body(var part):
            if body.readableBytes + part.readableBytes > Self.bodyBound {
                isTooLarge = true
                body.clear()
            } else if body.readableBytes == 0 {
                body = part
            } else {
                body.writeBuffer(&part)
            }
        case .end:
            guard let head = self.head else { return }
            self.head = nil
            var answer = responder.answer(head, body: body, isTooLarge: isTooLarge)
            if head.method == .HEAD { answer.removeBody() }
            body = ByteBuffer()
            writer.begin(answer, keepAlive: head.isKeepAlive && !isTooLarge, context: context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writer.pump(context)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        writer.clientLeft()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken connection or a broken request: there is nobody left to answer. The log is closed by channelInactive.
        context.close(promise: nil)
    }
}
