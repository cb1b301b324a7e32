import NIOCore
import NIOHTTP1
import WeirTelemetry

/// Health and metrics, on a listener of their own.
final class OperationsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    struct Answers: Sendable {
        /// May the node serve?
        let readiness: @Sendable () -> NodeReadiness
        let metrics: @Sendable () -> String
    }

    private let answers: Answers
    private var head: HTTPRequestHead?

    init(_ answers: Answers) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let (status, type, text) = answer(request)
        let body = ByteBuffer(string: text)
        var headers = HTTPHeaders([("content-type", type), ("content-length", String(body.readableBytes))])
        if !request.isKeepAlive { headers.add(name: "connection", value: "close") }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !request.isKeepAlive {
            written.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
    }

    private func answer(_ request: HTTPRequestHead) -> (HTTPResponseStatus, String, String) {
        let plain = "text/plain; charset=utf-8"
        guard request.method == .GET || request.method == .HEAD else { return (.methodNotAllowed, plain, "GET only\n") }
        switch request.uri {
        case "/healthz": return (.ok, plain, "ok\n")
        case "/readyz":
            let readiness = answers.readiness()
            return (readiness.reason == nil ? .ok : .serviceUnavailable, "application/json", readiness.json)
        case "/metrics": return (.ok, MetricsRegistry.contentType, answers.metrics())
        default: return (.notFound, plain, "only /healthz, /readyz and /metrics\n")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
