/// Cuts a stream of server-sent events into events, as the WHATWG standard says: lines end with CR, LF or CRLF, a
/// byte order mark at the start is dropped, comments are passed over, data lines are joined by a line feed.
///
/// Fed any split of the stream it finds the same events. It holds at most one event, and of that at most ``limit``
/// bytes: longer lines and events cost no more memory, and are marked.
package struct SSEParser: Sendable {
    /// Bytes of a line, and of an event's data, that are kept.
    package static let limit = 1 << 20

    /// The event's name; empty: none was given.
    package private(set) var name: [UInt8] = []
    package private(set) var data: [UInt8] = []
    /// Part of the event was longer than ``limit`` and is missing.
    package private(set) var isTruncated = false

    /// A line that continues in the next bytes.
    private var line: [UInt8] = []
    private var isLineTruncated = false
    private var followsCR = false
    private var isFirstLine = true
    private var hasData = false
    private var isDelivered = false

    package init() {}

    /// What comes next begins an event, and nothing of what was before has a part in it.
    var isBetweenEvents: Bool {
        guard line.isEmpty, !isLineTruncated, !followsCR, !isFirstLine else { return false }
        return isDelivered || !hasData && !isTruncated && name.isEmpty
    }

    /// Reads on from `position` until an event is complete: true, with the event in ``name`` and ``data`` until the
    /// next call. False: all bytes are read.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, from position: inout Int) -> Bool {
        if isDelivered { reset() }
        while position < bytes.count {
            if followsCR {
                followsCR = false
                if bytes[position] == 0x0A {
                    position += 1
                    continue
                }
            }
            let end = Self.lineEnd(bytes, from: position)
            let part = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
            guard end < bytes.count else {
                keep(part)
                position = end
                return false
            }
            followsCR = bytes[end] == 0x0D
            position = end + 1
            let isComplete: Bool
            if line.isEmpty, !isLineTruncated, part.count <= Self.limit {
                isComplete = read(line: part)
            } else {
                keep(part)
                isTruncated = isTruncated || isLineTruncated
                let whole = line
                isComplete = whole.withUnsafeBytes { read(line: $0) }
                line.removeAll(keepingCapacity: whole.count <= 4_096)
                isLineTruncated = false
            }
            if isComplete { return true }
        }
        return false
    }

    /// True when the line ends an event that has data.
    private mutating func read(line: UnsafeRawBufferPointer) -> Bool {
        var line = line
        if isFirstLine {
            isFirstLine = false
            if line.count >= 3, line[0] == 0xEF, line[1] == 0xBB, line[2] == 0xBF {
                line = UnsafeRawBufferPointer(rebasing: line[3...])
            }
        }
        guard !line.isEmpty else {
            if hasData || isTruncated {
                isDelivered = true
                return true
            }
            reset()
            return false
        }
        switch line[0] {
        case UInt8(ascii: "d"):
            guard let value = Self.value(of: "data", in: line) else { return false }
            if hasData { append(CollectionOfOne(0x0A)) }
            hasData = true
            append(value)
        case UInt8(ascii: "e"):
            guard let value = Self.value(of: "event", in: line) else { return false }
            name.removeAll(keepingCapacity: true)
            name.append(contentsOf: value)
        default: break
        }
        return false
    }

    private mutating func append(_ bytes: some Collection<UInt8>) {
        guard data.count + bytes.count <= Self.limit else {
            isTruncated = true
            return
        }
        data.append(contentsOf: bytes)
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer) {
        guard !isLineTruncated, line.count + part.count <= Self.limit else {
            isLineTruncated = true
            return
        }
        line.append(contentsOf: part)
    }

    private mutating func reset() {
        name.removeAll(keepingCapacity: true)
        data.removeAll(keepingCapacity: data.count <= 4_096)
        hasData = false
        isTruncated = false
        isDelivered = false
    }

    /// What follows `field` and its colon, without one leading space; nil: the line is another field.
    private static func value(of field: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = field.utf8CodeUnitCount
        guard line.count >= count else { return nil }
        for index in 0..<count where line[index] != field.utf8Start[index] { return nil }
        guard line.count > count else { return UnsafeRawBufferPointer(rebasing: line[count...]) }
        guard line[count] == UInt8(ascii: ":") else { return nil }
        let start = line.count > count + 1 && line[count + 1] == 0x20 ? count + 2 : count + 1
        return UnsafeRawBufferPointer(rebasing: line[start...])
    }

    /// The first CR or LF at or after `start`; else the end. Eight bytes at a time.
    static func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        var position = start
        while position + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let feeds = word ^ (ones &* 0x0A)
            let returns = word ^ (ones &* 0x0D)
            guard (((feeds &- ones) & ~feeds) | ((returns &- ones) & ~returns)) & tops == 0 else { break }
            position += 8
        }
        while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D { position += 1 }
        return position
    }
}
