/// A strict pull reader of one JSON text (RFC 8259, UTF-8, no byte order mark), without Foundation.
///
/// It reads what the caller asks for and checks all the rest. Of an object whose members are read, a known key that
/// appears twice is an error, also when one of the two is written with escapes: two parsers that choose different
/// duplicates would see different requests. After a key the caller reads or skips exactly one value.
///
///     var members = try scanner.beginObject()
///     while let field = try scanner.next(&members, in: fields) {
///         switch field {
///         case .model: model = try scanner.string()
///         …
///
/// It borrows the bytes: use it only inside the `withUnsafeBytes` that lent them, or by ``read(_:_:)``.
public struct JSONScanner {
    /// How deep containers may nest.
    public static let maxDepth = 64

    let bytes: UnsafeRawBufferPointer
    /// The next byte to read.
    public internal(set) var offset = 0
    /// Containers opened by the caller.
    var depth = 0

    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Reads all of `bytes` as one value; anything but space after it is an error.
    public static func read<Value>(
        _ bytes: [UInt8], _ body: (inout JSONScanner) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) -> Value in
            var scanner = JSONScanner(UnsafeRawBufferPointer(buffer))
            let value = try body(&scanner)
            try scanner.finish()
            return value
        }
    }

    public enum Kind: Sendable { case object, array, string, number, bool, null }

    /// What the next value is, by its first byte.
    public mutating func kind() throws(JSONError) -> Kind {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        default: throw unexpected("a value")
        }
    }

    /// Only space may follow.
    public mutating func finish() throws(JSONError) {
        skipSpace()
        guard offset == bytes.count else { throw JSONError(.trailingBytes, at: offset) }
    }

    // MARK: Objects

    /// Where the reading of one object stands.
    public struct Members: Sendable {
        var seen: UInt64 = 0
        var isFirst = true
    }

    public mutating func beginObject() throws(JSONError) -> Members {
        try open(UInt8(ascii: "{"), "an object")
        return Members()
    }

    /// The next member with a known name; others are checked and skipped. Nil after the last.
    @inlinable
    public mutating func next<Field>(_ members: inout Members, in fields: JSONFields<Field>) throws(JSONError)
        -> Field?
    {
        guard let index = try nextIndex(&members, in: fields.names) else { return nil }
        return fields.cases[index]
    }

    /// The next key, whatever it is; duplicates are the caller's to find. Nil after the last member.
    public mutating func nextKey(_ members: inout Members) throws(JSONError) -> String? {
        guard try !endsOrSeparates(&members.isFirst, UInt8(ascii: "}"), "\",\" or \"}\"") else { return nil }
        skipSpace()
        guard peek == UInt8(ascii: "\"") else { throw unexpected("a key") }
        let key = try string()
        try colon()
        return key
    }

    @usableFromInline
    mutating func nextIndex(_ members: inout Members, in names: JSONNames) throws(JSONError) -> Int? {
        while try !endsOrSeparates(&members.isFirst, UInt8(ascii: "}"), "\",\" or \"}\"") {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw unexpected("a key") }
            let start = offset
            let (range, hasEscapes) = try scanString()
            let index: Int?
            if hasEscapes {
                // A key that cannot be decoded is none of ours.
                let plain = try? unescaped(range)
                index = plain?.withUnsafeBytes { names.index(of: $0) }
            } else {
                index = names.index(of: UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
            try colon()
            guard let index else {
                try skip()
                continue
            }
            guard members.seen & (1 << index) == 0 else {
                offset = start
                throw JSONError(.duplicateKey(try string()), at: start)
            }
            members.seen |= 1 << index
            return index
        }
        return nil
    }

    // MARK: Arrays

    /// Where the reading of one array stands.
    public struct Elements: Sendable { var isFirst = true }

    public mutating func beginArray() throws(JSONError) -> Elements {
        try open(UInt8(ascii: "["), "an array")
        return Elements()
    }

    /// True before each element, false after the last.
    public mutating func next(_ elements: inout Elements) throws(JSONError) -> Bool {
        try !endsOrSeparates(&elements.isFirst, UInt8(ascii: "]"), "\",\" or \"]\"")
    }

    // MARK: The grammar's small parts

    private mutating func open(_ byte: UInt8, _ wanted: String) throws(JSONError) {
        skipSpace()
        guard peek == byte else { throw unexpected(wanted) }
        guard depth < Self.maxDepth else { throw JSONError(.tooDeep, at: offset) }
        depth += 1
        offset += 1
    }

    /// Consumes the end of a container (true) or what separates two of its parts (false).
    private mutating func endsOrSeparates(_ isFirst: inout Bool, _ end: UInt8, _ wanted: String) throws(JSONError)
        -> Bool
    {
        skipSpace()
        if peek == end {
            offset += 1
            depth -= 1
            return true
        }
        if isFirst {
            isFirst = false
        } else {
            guard peek == UInt8(ascii: ",") else { throw unexpected(wanted) }
            offset += 1
        }
        return false
    }

    mutating func colon() throws(JSONError) {
        skipSpace()
        guard peek == UInt8(ascii: ":") else { throw unexpected("\":\"") }
        offset += 1
    }

    /// The next byte; 0, which the grammar allows nowhere, at the end.
    @inline(__always)
    var peek: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    @inline(__always)
    mutating func skipSpace() {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }

    func unexpected(_ wanted: @autoclosure () -> String) -> JSONError {
        offset < bytes.count
            ? JSONError(.unexpected(wanted: wanted()), at: offset) : JSONError(.endsEarly, at: offset)
    }
}
