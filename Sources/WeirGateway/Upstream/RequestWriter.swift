import NIOCore
import NIOHTTP1
import WeirCore

/// Writes a request as bytes: head and body of usual size in one buffer, where the library's encoder makes three.
///
/// Its head comes through the pipeline, since the decoder of the answer must see the method pass; its body does not.
///
/// What it writes cannot be taken for anything else by the provider: names and values come from this gateway's own
/// parser or configuration, so they have no line ends, and the target has been checked to be visible ASCII.
final class RequestWriter: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    /// A larger body is written as it is instead of being copied.
    private static let copiedBytes = 16 << 10

    /// Of the request whose head comes next.
    var body: ByteBuffer?
    private let base: ProviderBase

    init(base: ProviderBase) { self.base = base }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(let head) = unwrapOutboundIn(data) else { return }
        let body = body.take()
        let length = body?.readableBytes ?? 0
        var bytes = ByteBuffer()
        bytes.reserveCapacity(1024 + min(length, Self.copiedBytes))
        write(head, bodyBytes: body?.readableBytes, to: &bytes)
        guard let body else { return context.write(wrapOutboundOut(bytes), promise: promise) }
        if length <= Self.copiedBytes {
            bytes.writeImmutableBuffer(body)
            context.write(wrapOutboundOut(bytes), promise: promise)
        } else {
            context.write(wrapOutboundOut(bytes), promise: nil)
            context.write(wrapOutboundOut(body), promise: promise)
        }
    }

    private func write(_ head: HTTPRequestHead, bodyBytes: Int?, to bytes: inout ByteBuffer) {
        bytes.writeString(head.method.rawValue)
        bytes.writeStaticString(" ")
        bytes.writeString(base.path)
        bytes.writeString(head.uri)
        bytes.writeStaticString(" HTTP/1.1\r\nhost: ")
        bytes.writeString(base.authority)
        bytes.writeStaticString("\r\n")
        for (name, value) in head.headers {
            bytes.writeString(name)
            bytes.writeStaticString(": ")
            bytes.writeString(value)
            bytes.writeStaticString("\r\n")
        }
        if let bodyBytes {
            bytes.writeStaticString("content-length: ")
            bytes.writeString(String(bodyBytes))
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("\r\n")
    }
}
