import NIOCore

/// Where in a chunked body (RFC 9112 section 7.1) the next byte stands, as long as that is sure.
///
/// Sure is only what has no other reading: a size of hexadecimal digits alone, CR LF, so many bytes, CR LF. At whatever
/// else, extensions and the last chunk among them, it loses the track until the next answer, and the parser has the word.
struct ChunkTrack {
    /// To the end of the chunk and its CR LF; 0: a chunk begins; nil: the track is lost.
    private var bytesLeft: Int?

    var isSure: Bool { bytesLeft != nil }

    mutating func lose() { bytesLeft = nil }

    /// Takes the next chunk, if it begins here and is all there.
    mutating func takeChunk(from bytes: inout ByteBuffer) -> ByteBuffer? {
        guard bytesLeft == 0 else { return nil }
        let found = bytes.withUnsafeReadableBytes { bytes -> Size? in
            guard let size = Size(bytes), size.line + size.bytes + 2 <= bytes.count,
                bytes[size.line + size.bytes] == 0x0D, bytes[size.line + size.bytes + 1] == 0x0A
            else { return nil }
            return size
        }
        guard let found, let chunk = bytes.getSlice(at: bytes.readerIndex + found.line, length: found.bytes) else {
            return nil
        }
        bytes.moveReaderIndex(forwardBy: found.line + found.bytes + 2)
        return chunk
    }

    /// Follows an answer from its first byte.
    /// - Returns: how many bytes of body there are.
    mutating func begin(afterHeadOf bytes: UnsafeRawBufferPointer) -> Int {
        var end = 4
        while end <= bytes.count {
            if bytes[end - 1] == 0x0A, bytes[end - 2] == 0x0D, bytes[end - 3] == 0x0A, bytes[end - 4] == 0x0D {
                bytesLeft = 0
                return follow(UnsafeRawBufferPointer(rebasing: bytes[end...]))
            }
            end += 1
        }
        lose()
        return 0
    }

    /// Follows what goes through the parser.
    /// - Returns: how many bytes of body there are, up to where the track is lost.
    mutating func follow(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard var left = bytesLeft else { return 0 }
        var body = 0
        var position = 0
        while position < bytes.count {
            if left > 0 {
                let step = min(left, bytes.count - position)
                body += max(0, min(left - 2, step))
                left -= step
                position += step
            } else {
                guard let size = Size(UnsafeRawBufferPointer(rebasing: bytes[position...])) else {
                    lose()
                    return body
                }
                position += size.line
                left = size.bytes + 2
            }
        }
        bytesLeft = left
        return body
    }

    /// The first line of a chunk that is not the last.
    private struct Size {
        /// Of the line, with its end.
        let line: Int
        let bytes: Int

        init?(_ text: UnsafeRawBufferPointer) {
            var bytes = 0
            var digits = 0
            // Seven digits cannot overflow; a larger chunk is the parser's.
            while digits < min(text.count, 7), let digit = Self.digit(text[digits]) {
                bytes = bytes << 4 | digit
                digits += 1
            }
            guard bytes > 0, digits + 2 <= text.count, text[digits] == 0x0D, text[digits + 1] == 0x0A else {
                return nil
            }
            (line, self.bytes) = (digits + 2, bytes)
        }

        private static func digit(_ byte: UInt8) -> Int? {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
            default: nil
            }
        }
    }
}
