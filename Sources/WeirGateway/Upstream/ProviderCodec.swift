import NIOCore
import NIOHTTP1
import WeirCore

/// What stands between the bytes of a connection to a provider and the library's parser.
///
/// It writes a request as bytes: head and body of usual size in one buffer, where the library's encoder makes three. And
/// it takes the whole chunks out of an answer on the way to the parser, since a streamed event is one: that costs a sixth
/// of the parser's way. Heads, what is no whole chunk, and a body's end still go through the parser.
///
/// That a request is to be written comes through the pipeline, since the decoder of the answer must see the method pass; the
/// request itself does not.
///
/// What it writes cannot be taken for anything else by the provider: names and values come from this gateway's own
/// parser or configuration, so they have no line ends, and the target has been checked to be visible ASCII.
final class ProviderCodec: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    /// A larger body is written as it is instead of being copied.
    private static let copiedBytes = 16 << 10

    /// The one that is written next.
    var request: UpstreamRequest?
    /// Who gets the chunks.
    weak var connection: ProviderConnection?
    private let base: ProviderBase
    private var track = ChunkTrack()
    private var isFirstRead = true

    init(base: ProviderBase) { self.base = base }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard let request = request.take() else { return }
        track.lose()
        isFirstRead = true
        let isCopied = (request.body?.readableBytes ?? 0) <= Self.copiedBytes
        var bytes = ByteBuffer()
        write(request, copied: isCopied ? request.body : nil, to: &bytes)
        guard let body = request.body, !isCopied else { return context.write(wrapOutboundOut(bytes), promise: promise) }
        context.write(wrapOutboundOut(bytes), promise: nil)
        context.write(wrapOutboundOut(body), promise: promise)
    }

    private func write(_ request: UpstreamRequest, copied: ByteBuffer?, to bytes: inout ByteBuffer) {
        let method = request.method.rawValue
        // The version, the names of `host` and `content-length`, a number and the line ends.
        var count = 80 + method.utf8.count + base.path.utf8.count + request.target.utf8.count
        count += base.authority.utf8.count + request.fields.byteCount + (copied?.readableBytes ?? 0)
        _ = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            var cursor = ByteCursor(space)
            cursor.put(method)
            cursor.put(UInt8(ascii: " "))
            cursor.put(base.path)
            cursor.put(request.target)
            cursor.put(" HTTP/1.1\r\nhost: " as StaticString)
            cursor.put(base.authority)
            cursor.put("\r\n" as StaticString)
            cursor.put(request.fields)
            if let body = request.body {
                cursor.put("content-length: " as StaticString)
                cursor.put(decimal: body.readableBytes)
                cursor.put("\r\n" as StaticString)
            }
            cursor.put("\r\n" as StaticString)
            copied?.withUnsafeReadableBytes { cursor.put($0) }
            return cursor.count
        }
    }

    // MARK: The answer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard track.isSure || isFirstRead, let connection else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        while let chunk = track.takeChunk(from: &bytes) { connection.receiveBody(chunk) }
        guard bytes.readableBytes > 0 else { return }
        let before = connection.bodyBytesParsed
        if isFirstRead {
            isFirstRead = false
            context.fireChannelRead(wrapInboundOut(bytes))
            guard connection.isReadingChunks else { return }
            let body = bytes.withUnsafeReadableBytes { track.begin(afterHeadOf: $0) }
            if connection.bodyBytesParsed &- before != body { track.lose() }
        } else {
            let body = bytes.withUnsafeReadableBytes { track.follow($0) }
            context.fireChannelRead(wrapInboundOut(bytes))
            if connection.bodyBytesParsed &- before != body { track.lose() }
        }
    }
}
