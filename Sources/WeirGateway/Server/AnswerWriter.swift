import NIOCore
import NIOHTTP1
import WeirCore

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

    /// - Parameter fields: a `content-length` among them says how long the body is.
    mutating func writeHead(
        _ version: HTTPVersion, _ status: HTTPResponseStatus, _ fields: Fields, to output: inout ByteBuffer
    ) {
        var fields = fields
        if !status.mayHaveResponseBody {
            framing = .bodyless
            fields.remove(name: "content-length")
        } else if fields.contains(where: { $0.name.equalsIgnoringCase("content-length") }) {
            framing = .length
        } else {
            framing = version == .http1_0 ? .untilClose : .chunked
        }
        let reason = status.reasonPhrase
        // "HTTP/1.1 200 ", the line's end, the framing, and the head's end.
        let bytes = 64 + reason.utf8.count + fields.byteCount
        output.makeRoom(bytes)
        _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { space in
            var cursor = ByteCursor(space)
            cursor.put(version == .http1_0 ? "HTTP/1.0 " : "HTTP/1.1 " as StaticString)
            cursor.put(decimal: Int(status.code))
            cursor.put(UInt8(ascii: " "))
            cursor.put(reason)
            cursor.put("\r\n" as StaticString)
            cursor.put(fields)
            if case .chunked = framing { cursor.put("transfer-encoding: chunked\r\n" as StaticString) }
            cursor.put("\r\n" as StaticString)
            return cursor.count
        }
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
        case .chunked: output.writeChunk(bytes)
        }
        return nil
    }

    func writeEnd(to output: inout ByteBuffer) {
        if case .chunked = framing { output.writeStaticString("0\r\n\r\n") }
    }
}

extension ByteBuffer {
    /// Gives the empty buffer, which all share, memory of its own. To let it grow from nothing costs twice as much.
    fileprivate mutating func makeRoom(_ bytes: Int) {
        if capacity == 0 { self = ByteBufferAllocator().buffer(capacity: bytes) }
    }

    /// One chunk of a body (RFC 9112 section 7.1).
    fileprivate mutating func writeChunk(_ bytes: ByteBuffer) {
        // Its size in hexadecimal, and two line ends.
        let count = bytes.readableBytes + 20
        makeRoom(count)
        _ = writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            var cursor = ByteCursor(space)
            cursor.put(hexadecimal: bytes.readableBytes)
            cursor.put("\r\n" as StaticString)
            bytes.withUnsafeReadableBytes { cursor.put($0) }
            cursor.put("\r\n" as StaticString)
            return cursor.count
        }
    }
}

extension ByteCursor {
    fileprivate mutating func put(hexadecimal number: Int) {
        let digits = max(1, (Int.bitWidth - number.leadingZeroBitCount + 3) / 4)
        for place in stride(from: digits - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: number >> (4 * place)) & 15
            put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
