/// Walks over JSON text without building it: a call is read in one pass, most of it skipped.
///
/// Strict as RFC 8259 is, except that bytes above ASCII inside strings are not checked to be UTF-8. Nothing in the
/// text can trap: every byte is read behind a bounds check and nesting is bounded.
struct JSONCursor {
    /// The text is not JSON.
    struct Fault: Error, Equatable {
        /// The byte at which reading stopped.
        var offset: Int
    }

    /// The deepest nesting that is read; real requests need a dozen.
    static let depthBound = 256

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    /// The caller keeps `bytes` alive and unchanged while the cursor lives.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next byte that is not white space, 0 at the end of the text.
    mutating func peek() -> UInt8 {
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: " "), 0x09, 0x0a, 0x0d: offset += 1
            case let byte: return byte
            }
        }
        return 0
    }

    var fault: Fault { Fault(offset: offset) }

    /// Consumes `byte` if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte, offset < bytes.count else { return false }
        offset += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(Fault) {
        guard take(byte) else { throw fault }
    }

    /// Calls `member` with each key of the object that comes next; `member` consumes the value.
    mutating func object(_ member: (String, inout JSONCursor) throws(Fault) -> Void) throws(Fault) {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let key = try string()
            try expect(UInt8(ascii: ":"))
            try member(key, &self)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Consumes the array that comes next and returns how many values it holds.
    mutating func countElements() throws(Fault) -> Int {
        try expect(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return 0 }
        var count = 0
        repeat {
            try skip(depth: 1)
            count += 1
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return count
    }

    /// Consumes the string that comes next.
    mutating func string() throws(Fault) -> String {
        try expect(UInt8(ascii: "\""))
        let start = offset
        guard try skipStringBody() else { return String(decoding: bytes[start..<offset - 1], as: UTF8.self) }
        return JSONEscapes.decoded(bytes[start..<offset - 1])
    }

    /// Consumes the whole number that comes next; nil if it is a number but not a whole one that fits.
    mutating func integer() throws(Fault) -> Int? {
        _ = peek()
        let start = offset
        try skipNumber()
        return Int(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    /// Consumes one of `true`, `false` and `null` (nil).
    mutating func boolean() throws(Fault) -> Bool? {
        switch peek() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default:
            try literal("null")
            return nil
        }
    }

    /// Consumes any value.
    mutating func skip(depth: Int = 0) throws(Fault) {
        guard depth < Self.depthBound else { throw fault }
        switch peek() {
        case UInt8(ascii: "{"):
            offset += 1
            if take(UInt8(ascii: "}")) { return }
            repeat {
                try expect(UInt8(ascii: "\""))
                _ = try skipStringBody()
                try expect(UInt8(ascii: ":"))
                try skip(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            offset += 1
            if take(UInt8(ascii: "]")) { return }
            repeat { try skip(depth: depth + 1) } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
        case UInt8(ascii: "\""):
            offset += 1
            _ = try skipStringBody()
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): _ = try boolean()
        default: try skipNumber()
        }
    }

    /// Only white space may be left.
    mutating func expectEnd() throws(Fault) {
        _ = peek()
        guard offset == bytes.count else { throw fault }
    }

    /// Consumes up to and with the closing quote. Returns whether there are escapes inside.
    private mutating func skipStringBody() throws(Fault) -> Bool {
        var isEscaped = false
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == UInt8(ascii: "\"") { return isEscaped }
            if byte < 0x20 { throw fault }
            guard byte == UInt8(ascii: "\\") else { continue }
            isEscaped = true
            guard offset < bytes.count else { throw fault }
            guard let digits = JSONEscapes.digits(after: bytes[offset]) else { throw fault }
            offset += 1
            for _ in 0..<digits {
                guard offset < bytes.count, JSONEscapes.hexValue(bytes[offset]) != nil else { throw fault }
                offset += 1
            }
        }
        throw fault
    }

    private mutating func skipNumber() throws(Fault) {
        _ = takeRaw(UInt8(ascii: "-"))
        if !takeRaw(UInt8(ascii: "0")) { try skipDigits() }
        if takeRaw(UInt8(ascii: ".")) { try skipDigits() }
        if takeRaw(UInt8(ascii: "e")) || takeRaw(UInt8(ascii: "E")) {
            if !takeRaw(UInt8(ascii: "-")) { _ = takeRaw(UInt8(ascii: "+")) }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(Fault) {
        let start = offset
        while offset < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset]) { offset += 1 }
        guard offset > start else { throw fault }
    }

    private mutating func takeRaw(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func literal(_ text: StaticString) throws(Fault) {
        for index in 0..<text.utf8CodeUnitCount {
            guard takeRaw(text.utf8Start[index]) else { throw fault }
        }
    }
}
