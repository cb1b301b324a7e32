import WeirCore

/// Takes the usage chunk that the gateway asked for out of a chat stream again, for a client that did not ask.
///
/// All other bytes pass unchanged, and every event as soon as its last byte is there. What is held back is at most
/// one event's beginning, at most ``limit`` bytes: a usage chunk is far shorter.
package struct UsageChunkFilter: Sendable {
    /// A longer event cannot be a usage chunk and passes as it comes.
    static let limit = 16 << 10

    /// What may be sent on.
    package enum Output: Sendable, Equatable {
        /// The bytes given, just as they are.
        case unchanged
        case replaced([UInt8])
    }

    /// The beginning of an event that is not complete.
    private var held: [UInt8] = []
    private var isPassing = false
    private var isLineStart = true
    private var followsCR = false
    /// The event that a CR has just ended was taken out; an LF right after it goes with it.
    private var wasTakenOut = false

    package init() {}

    package mutating func filter(_ bytes: UnsafeRawBufferPointer) -> Output {
        var output: [UInt8] = []
        var isUnchanged = held.isEmpty
        /// Up to here all bytes are in `output`, in `held`, or taken out.
        var start = 0
        var position = 0
        while position < bytes.count {
            if followsCR {
                followsCR = false
                if bytes[position] == 0x0A {
                    position += 1
                    // The second half of a line's end. After an event's end it belongs to what has gone before.
                    if held.isEmpty, isLineStart, start == position - 1, !isPassing {
                        if wasTakenOut {
                            if isUnchanged {
                                output.append(contentsOf: bytes[..<start])
                                isUnchanged = false
                            }
                        } else if !isUnchanged {
                            output.append(0x0A)
                        }
                        start = position
                        wasTakenOut = false
                    }
                    continue
                }
            }
            wasTakenOut = false
            let end = SSEParser.lineEnd(bytes, from: position)
            guard end < bytes.count else {
                if end > position { isLineStart = false }
                break
            }
            let isBlank = isLineStart && end == position
            isLineStart = true
            followsCR = bytes[end] == 0x0D
            position = end + 1
            guard isBlank else { continue }
            // An event is complete: start..<position, after what is held.
            let isUsage = !isPassing && isUsageChunk(held, bytes[start..<position])
            if isUsage, isUnchanged {
                output.append(contentsOf: bytes[..<start])
                isUnchanged = false
            }
            if !isUsage, !isUnchanged {
                output.append(contentsOf: held)
                output.append(contentsOf: bytes[start..<position])
            }
            held.removeAll(keepingCapacity: true)
            isPassing = false
            wasTakenOut = isUsage
            start = position
        }
        return rest(of: bytes, from: start, isUnchanged: isUnchanged, output: output)
    }

    /// The stream has ended: what is still held passes.
    package mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }

    /// Holds the unfinished event, or lets it pass if it is too long to be a usage chunk.
    private mutating func rest(
        of bytes: UnsafeRawBufferPointer, from start: Int, isUnchanged: Bool, output: [UInt8]
    ) -> Output {
        let tail = bytes[start...]
        guard !tail.isEmpty else { return isUnchanged ? .unchanged : .replaced(output) }
        var output = output
        if isPassing || held.count + tail.count > Self.limit {
            isPassing = true
            if isUnchanged { return .unchanged }
            output.append(contentsOf: held)
            output.append(contentsOf: tail)
            held = []
        } else {
            if isUnchanged { output.append(contentsOf: bytes[..<start]) }
            held.append(contentsOf: tail)
        }
        return .replaced(output)
    }

    private func isUsageChunk(_ head: [UInt8], _ tail: Slice<UnsafeRawBufferPointer>) -> Bool {
        // Most events are text deltas: only one that names prompt tokens is parsed.
        guard head.count + tail.count <= Self.limit else { return false }
        let tail = UnsafeRawBufferPointer(rebasing: tail)
        if head.isEmpty { return Self.isUsageEvent(tail) }
        return (head + tail).withUnsafeBytes { Self.isUsageEvent($0) }
    }

    private enum Field: String, CaseIterable, Sendable { case choices, usage }
    private static let fields = JSONFields(Field.self)
    private static let mark = Array("\"prompt_tokens\"".utf8)

    private static func isUsageEvent(_ event: UnsafeRawBufferPointer) -> Bool {
        guard contains(mark, event) else { return false }
        var parser = SSEParser()
        var position = 0
        guard parser.next(event, from: &position), !parser.isTruncated else { return false }
        return parser.data.withUnsafeBytes { bytes in
            (try? { () throws(JSONError) -> Bool in
                var scanner = JSONScanner(bytes)
                var hasNoChoices = false
                var hasUsage = false
                var members = try scanner.beginObject()
                while let field = try scanner.next(&members, in: fields) {
                    switch field {
                    case .choices:
                        guard try scanner.kind() == .array else { return false }
                        var elements = try scanner.beginArray()
                        guard try !scanner.next(&elements) else { return false }
                        hasNoChoices = true
                    case .usage:
                        hasUsage = try scanner.kind() == .object
                        try scanner.skip()
                    }
                }
                return hasNoChoices && hasUsage
            }()) ?? false
        }
    }

    private static func contains(_ mark: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= mark.count else { return false }
        var position = 0
        while position <= bytes.count - mark.count {
            if bytes[position] == mark[0] {
                var same = 1
                while same < mark.count, bytes[position + same] == mark[same] { same += 1 }
                if same == mark.count { return true }
            }
            position += 1
        }
        return false
    }
}
