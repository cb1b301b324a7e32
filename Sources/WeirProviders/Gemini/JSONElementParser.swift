/// Cuts an answer of JSON objects into those objects: `[{…},{…}]` as `streamGenerateContent` sends it without
/// `alt=sse`, or one `{…}` alone.
///
/// It only finds where objects begin and end; whoever reads one checks it. Fed any split it finds the same objects, and
/// holds at most one, of that at most ``limit`` bytes.
package struct JSONElementParser: Sendable {
    package static let limit = 32 << 20

    /// The object found, until the next call.
    package private(set) var element: [UInt8] = []
    /// The object was longer than ``limit`` and is not whole.
    package private(set) var isTruncated = false

    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isDelivered = false

    package init() {}

    /// No object is half read.
    package var isBetweenElements: Bool { depth == 0 }

    /// Reads on from `position` until an object is complete: true, with the object in ``element`` until the next call.
    /// False: all bytes are read.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, from position: inout Int) -> Bool {
        if isDelivered {
            element.removeAll(keepingCapacity: element.count <= 4_096)
            (isTruncated, isDelivered) = (false, false)
        }
        var start = position
        defer { keep(bytes[start..<position]) }
        while position < bytes.count {
            let byte = bytes[position]
            if depth == 0, byte != UInt8(ascii: "{") {
                // What is between objects: brackets, commas, space.
                position += 1
                start = position
                continue
            }
            position += 1
            if take(byte) {
                isDelivered = true
                return true
            }
        }
        return false
    }

    /// True when the byte ends an object of the outermost level.
    private mutating func take(_ byte: UInt8) -> Bool {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return false
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            return depth == 0
        default: break
        }
        return false
    }

    private mutating func keep(_ part: Slice<UnsafeRawBufferPointer>) {
        guard element.count + part.count <= Self.limit else {
            isTruncated = true
            return
        }
        element.append(contentsOf: part)
    }
}
