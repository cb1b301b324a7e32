/// Writes one JSON text, compact, without Foundation. Commas are its own business; that every `begin` has its `end`
/// and that every key has one value is the caller's.
public struct JSONWriter: Sendable {
    /// Filled up to `count`. Every call has one of these built for its usage event, twice, so a key is one growth and
    /// one copy instead of an append for each byte around it.
    private var storage: [UInt8]
    private var count = 0
    private var needsComma = false

    public init(capacity: Int = 256) { storage = Self.space(capacity) }

    /// What has been written.
    public var bytes: [UInt8] { Array(storage[..<count]) }

    public mutating func beginObject() { begin(UInt8(ascii: "{")) }
    public mutating func endObject() { end(UInt8(ascii: "}")) }
    public mutating func beginArray() { begin(UInt8(ascii: "[")) }
    public mutating func endArray() { end(UInt8(ascii: "]")) }

    /// After the whole of a text, for files of one in each line.
    public mutating func endLine() {
        append(UInt8(ascii: "\n"))
        needsComma = false
    }

    /// A key that needs no escapes: one of our own names.
    public mutating func key(_ name: StaticString) {
        put(atMost: name.utf8CodeUnitCount + 4) { [needsComma] in $0.put(key: name, needsComma) }
        needsComma = false
    }

    /// A key that comes from outside.
    public mutating func key(text name: String) {
        string(name)
        append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ value: String) { string(value, key: nil) }

    /// With its key, if there is one: most members of an event are one put.
    private mutating func string(_ value: String, key: StaticString?) {
        let keyBytes = key.map { $0.utf8CodeUnitCount + 4 } ?? 1
        let isPut = value.utf8.withContiguousStorageIfAvailable { text in
            let text = UnsafeRawBufferPointer(text)
            guard JSONScanner.isPlain(text) else { return false }
            put(atMost: keyBytes + text.count + 2) { [needsComma] in
                if let key {
                    $0.put(key: key, needsComma)
                } else if needsComma {
                    $0.put(UInt8(ascii: ","))
                }
                $0.put(UInt8(ascii: "\""))
                $0.put(text)
                $0.put(UInt8(ascii: "\""))
            }
            return true
        }
        if isPut != true {
            if let key { self.key(key) }
            separate()
            append(UInt8(ascii: "\""))
            var value = value
            value.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0)) }
            append(UInt8(ascii: "\""))
        }
        needsComma = true
    }

    public mutating func int(_ value: Int) {
        // A comma, and the longest: -9223372036854775808.
        put(atMost: 21) { [needsComma] in
            if needsComma { $0.put(UInt8(ascii: ",")) }
            $0.put(decimal: value)
        }
        needsComma = true
    }

    public mutating func bool(_ value: Bool) {
        separate()
        literal(value ? "true" : "false")
    }

    public mutating func null() {
        separate()
        literal("null")
    }

    /// Text that is one JSON value already.
    public mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        if json.withContiguousStorageIfAvailable({ append(UnsafeRawBufferPointer($0)) }) == nil {
            for byte in json { append(byte) }
        }
        needsComma = true
    }

    public mutating func member(_ name: StaticString, _ value: String) { string(value, key: name) }

    public mutating func member(_ name: StaticString, _ value: Int) {
        put(atMost: name.utf8CodeUnitCount + 24) { [needsComma] in
            $0.put(key: name, needsComma)
            $0.put(decimal: value)
        }
        needsComma = true
    }

    public mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Left out when nil.
    public mutating func member(_ name: StaticString, ifPresent value: String?) {
        if let value { member(name, value) }
    }

    /// Left out when nil.
    public mutating func member(_ name: StaticString, ifPresent value: Int?) {
        if let value { member(name, value) }
    }

    private mutating func begin(_ byte: UInt8) {
        separate()
        append(byte)
        needsComma = false
    }

    private mutating func end(_ byte: UInt8) {
        append(byte)
        needsComma = true
    }

    @inline(__always)
    private mutating func separate() { if needsComma { append(UInt8(ascii: ",")) } }

    private mutating func literal(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        needsComma = true
    }

    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        var start = 0
        var index = 0
        while index < text.count {
            if index + 8 <= text.count,
                JSONScanner.isPlain(text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            {
                index += 8
                continue
            }
            let byte = text[index]
            index += 1
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(UnsafeRawBufferPointer(rebasing: text[start..<index - 1]))
            start = index
            append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
            case 0x08: append(UInt8(ascii: "b"))
            case 0x09: append(UInt8(ascii: "t"))
            case 0x0A: append(UInt8(ascii: "n"))
            case 0x0C: append(UInt8(ascii: "f"))
            case 0x0D: append(UInt8(ascii: "r"))
            default:
                literal("u00")
                append(UInt8(ascii: "0") + byte >> 4)
                let low = byte & 15
                append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            }
        }
        append(UnsafeRawBufferPointer(rebasing: text[start...]))
    }

    // MARK: Bytes

    private mutating func append(_ byte: UInt8) { put(atMost: 1) { $0.put(byte) } }

    private mutating func append(_ text: UnsafeRawBufferPointer) { put(atMost: text.count) { $0.put(text) } }

    @inline(__always)
    private mutating func put(atMost bytes: Int, _ body: (inout ByteCursor) -> Void) {
        makeRoom(bytes)
        count += storage.withUnsafeMutableBytes { [count] space in
            var cursor = ByteCursor(UnsafeMutableRawBufferPointer(rebasing: space[count...]))
            body(&cursor)
            return cursor.count
        }
    }

    @inline(__always)
    private mutating func makeRoom(_ more: Int) {
        if storage.count - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        var larger = Self.space(max(storage.count * 2, count + more))
        larger.withUnsafeMutableBytes { space in
            storage.withUnsafeBytes { [count] in
                space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
        }
        storage = larger
    }

    /// Nothing reads what has not been written.
    private static func space(_ capacity: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: capacity) { _, initialized in initialized = capacity }
    }
}

extension ByteCursor {
    @inline(__always)
    fileprivate mutating func put(key name: StaticString, _ needsComma: Bool) {
        if needsComma { put(UInt8(ascii: ",")) }
        put(UInt8(ascii: "\""))
        put(name)
        put(UInt8(ascii: "\""))
        put(UInt8(ascii: ":"))
    }
}
