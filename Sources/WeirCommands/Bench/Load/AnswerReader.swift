import NIOCore

/// Finds the ends of HTTP/1.1 answers in bytes cut anywhere, and counts the events of a stream. No more than a load
/// generator needs: it trusts the server's framing and keeps nothing of a body.
struct AnswerReader {
    private enum State {
        case head
        case body(left: Int)
        case chunkSize(Int)
        case chunk(left: Int)
        /// The line's end behind a chunk.
        case chunkEnd
        /// Behind the last chunk: trailers, of which there are none, and an empty line.
        case lastLine(isEmpty: Bool)
    }

    private var state = State.head
    private var head: [UInt8] = []
    private var lastByte: UInt8 = 0
    /// Empty lines within bodies: each ends an event.
    private(set) var events = 0
    /// The heads of answers other than 200: how many, and the last one's text.
    private(set) var failures = 0
    private(set) var lastFailure = ""

    /// - Returns: how many answers ended within `bytes`.
    /// - Throws: ``BenchError`` for an answer without a length.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(BenchError) -> Int {
        var ended = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch state {
            case .head:
                head.append(byte)
                index += 1
                if byte == UInt8(ascii: "\n"), head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                    try finishHead()
                    if case .body(0) = state {
                        state = .head
                        ended += 1
                    }
                }
            case .body(let left):
                let count = min(left, bytes.count - index)
                index += count
                state = count == left ? .head : .body(left: left - count)
                if count == left { ended += 1 }
            case .chunkSize(let size):
                index += 1
                if let digit = Self.hexValue(byte) {
                    guard size < 1 << 40 else { throw BenchError(description: "a chunk of impossible size") }
                    state = .chunkSize(size * 16 + digit)
                } else if byte == UInt8(ascii: "\n") {
                    state = size == 0 ? .lastLine(isEmpty: true) : .chunk(left: size)
                }
            case .chunk(let left):
                let count = min(left, bytes.count - index)
                countEvents(bytes[index..<index + count])
                index += count
                state = count == left ? .chunkEnd : .chunk(left: left - count)
            case .chunkEnd:
                index += 1
                if byte == UInt8(ascii: "\n") { state = .chunkSize(0) }
            case .lastLine(let isEmpty):
                index += 1
                if byte == UInt8(ascii: "\n") {
                    state = isEmpty ? .head : .lastLine(isEmpty: true)
                    if isEmpty { ended += 1 }
                } else if byte != UInt8(ascii: "\r") {
                    state = .lastLine(isEmpty: false)
                }
            }
        }
        return ended
    }

    private mutating func countEvents(_ bytes: Slice<UnsafeRawBufferPointer>) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), lastByte == byte { events += 1 }
            lastByte = byte
        }
    }

    private mutating func finishHead() throws(BenchError) {
        let lines = String(decoding: head, as: UTF8.self).lowercased().split(separator: "\r\n")
        head.removeAll(keepingCapacity: true)
        if lines.first?.hasPrefix("http/1.1 200 ") != true {
            failures += 1
            lastFailure = lines.joined(separator: ", ")
        }
        for line in lines.dropFirst() {
            if line.hasPrefix("content-length:"), let length = Int(line.dropFirst(15).drop { $0 == " " }), length >= 0 {
                state = .body(left: length)
                return
            }
            if line.hasPrefix("transfer-encoding:"), line.hasSuffix("chunked") {
                state = .chunkSize(0)
                return
            }
        }
        throw BenchError(description: "an answer without a length")
    }

    private static func hexValue(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte) - 0x57
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte) - 0x37
        default: nil
        }
    }
}
