import NIOCore
import NIOHTTP1

/// Writes one answer as bytes of HTTP/1.1: what is said in one tick of the loop becomes one buffer and one write, where
/// the library's encoder makes three of a small answer and three of each chunk.
///
/// What it writes cannot be taken for the end of a field: names and values come from this gateway, from its
/// configuration, or from the parser of the provider's answer, which takes no line ends for part of a value.
struct AnswerWriter {
    /// How the client finds the answer's end (RFC 9112 section 6.3).
    private enum Framing {
        case bodyless
        case length
        case chunked
        /// For HTTP/1.0, which has no chunks. The connection is closed after it.
        case untilClose
    }

    /// A larger part of a body is passed on as it is instead of being copied.
    private static let copiedBytes = 16 << 10

    private var framing = Framing.bodyless

    mutating func writeHead(_ head: HTTPResponseHead, to output: inout ByteBuffer) {
        output.reserveCapacity(minimumWritableBytes: 1024)
        output.writeString(head.version == .http1_0 ? "HTTP/1.0 " : "HTTP/1.1 ")
        output.writeString(String(head.status.code))
        output.writeStaticString(" ")
        output.writeString(head.status.reasonPhrase)
        output.writeStaticString("\r\n")
        let isBodyless = !head.status.mayHaveResponseBody
        framing = isBodyless ? .bodyless : head.version == .http1_0 ? .untilClose : .chunked
        for (name, value) in head.headers {
            if name.utf8.count == 14, name.equalsIgnoringCase("content-length") {
                if isBodyless { continue }
                framing = .length
            }
            output.writeString(name)
            output.writeStaticString(": ")
            output.writeString(value)
            output.writeStaticString("\r\n")
        }
        if case .chunked = framing { output.writeStaticString("transfer-encoding: chunked\r\n") }
        output.writeStaticString("\r\n")
    }

    /// - Returns: what is to be written after `output`, as it is; nil: nothing.
    func writeBody(_ bytes: ByteBuffer, to output: inout ByteBuffer) -> ByteBuffer? {
        // An empty chunk would be the answer's end.
        guard bytes.readableBytes > 0 else { return nil }
        switch framing {
        case .bodyless: return nil
        case .length, .untilClose:
            if bytes.readableBytes > Self.copiedBytes { return bytes }
            output.writeImmutableBuffer(bytes)
        case .chunked:
            output.reserveCapacity(minimumWritableBytes: min(bytes.readableBytes, Self.copiedBytes) + 16)
            output.writeString(String(bytes.readableBytes, radix: 16))
            output.writeStaticString("\r\n")
            output.writeImmutableBuffer(bytes)
            output.writeStaticString("\r\n")
        }
        return nil
    }

    func writeEnd(to output: inout ByteBuffer) {
        if case .chunked = framing { output.writeStaticString("0\r\n\r\n") }
    }
}
