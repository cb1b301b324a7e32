import WeirCore

/// The event of a stream that was read last, if nothing of it mattered but the length of one text in it.
///
/// A stream is mostly the same event again and again, each with a few more letters of the answer. One that differs from
/// the last in nothing but that text says nothing else that is new, so it need not be read as events and as JSON: its
/// bytes are compared, and the text is measured. Everything else is read in full, and takes this one's place.
struct RepeatedEvent: Sendable {
    /// Bytes beside the text; events with more are not remembered.
    private static let limit = 4_096
    /// So many are remembered in vain, one after the other. In some streams each event differs in a number.
    private static let chances = 8

    /// Through the text's opening quote; empty: there is none.
    private var opening: [UInt8] = []
    /// From the text's closing quote through the event's empty line.
    private var closing: [UInt8] = []
    private var chances = Self.chances

    /// Whether it is of use to remember another one.
    var isWanted: Bool { chances > 0 }

    /// How far the event at `position` goes, and how many bytes of text it has; nil: it is another one, or not all there.
    mutating func match(_ bytes: UnsafeRawBufferPointer, at position: Int) -> (end: Int, output: Int)? {
        guard !opening.isEmpty, bytes.starts(with: opening, at: position) else { return nil }
        let start = position + opening.count - 1
        var scanner = JSONScanner(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        // A text cannot have a line's end in it, so the lines of the event are the same, too.
        guard let output = try? scanner.stringByteCount() else { return nil }
        let end = start + scanner.offset - 1
        guard bytes.starts(with: closing, at: end), end + closing.count - position <= SSEParser.limit else {
            return nil
        }
        chances = Self.chances
        return (end + closing.count, output)
    }

    /// - Parameters:
    ///   - event: all of its bytes.
    ///   - data: what it says.
    ///   - text: where in `data` the text stands, with its quotes.
    mutating func remember(_ event: UnsafeRawBufferPointer, data: [UInt8], text: Range<Int>) {
        forget()
        guard event.count - text.count <= Self.limit, let dataStart = Self.lastLine(event, data) else { return }
        opening.append(contentsOf: event[...(dataStart + text.lowerBound)])
        closing.append(contentsOf: event[(dataStart + text.upperBound - 1)...])
        chances -= 1
    }

    mutating func forget() {
        opening.removeAll(keepingCapacity: true)
        closing.removeAll(keepingCapacity: true)
    }

    /// Where `data` stands, if it is what the event's last line says, and that ends as most do.
    private static func lastLine(_ event: UnsafeRawBufferPointer, _ data: [UInt8]) -> Int? {
        let end = event.count - 2
        let start = end - data.count
        guard start >= 5, event[end] == 0x0A, event[end + 1] == 0x0A, event.starts(with: data, at: start) else {
            return nil
        }
        let nameStart = event[start - 1] == 0x20 ? start - 6 : start - 5
        guard nameStart == 0 || nameStart > 0 && event[nameStart - 1] == 0x0A else { return nil }
        return event[nameStart..<nameStart + 5].elementsEqual("data:".utf8) ? start : nil
    }
}

extension UnsafeRawBufferPointer {
    /// Eight bytes at a time.
    fileprivate func starts(with wanted: [UInt8], at position: Int) -> Bool {
        guard count - position >= wanted.count else { return false }
        return wanted.withUnsafeBytes { wanted in
            var index = 0
            while index + 8 <= wanted.count {
                guard
                    loadUnaligned(fromByteOffset: position + index, as: UInt64.self)
                        == wanted.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                else { return false }
                index += 8
            }
            while index < wanted.count {
                guard self[position + index] == wanted[index] else { return false }
                index += 1
            }
            return true
        }
    }
}
