extension JSONScanner {
    /// An integer exactly: a fraction, an exponent, `-0` or a number beyond `Int` is an error.
    public mutating func int() throws(JSONError) -> Int {
        skipSpace()
        let start = offset
        let isNegative = peek == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        guard isDigit(peek) else { throw unexpected("a number") }
        let firstDigit = offset
        var value = 0
        while isDigit(peek) {
            let digit = Int(peek &- UInt8(ascii: "0"))
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflow2) = tenfold.addingReportingOverflow(isNegative ? -digit : digit)
            guard !overflow, !overflow2 else { throw JSONError(.notAnInteger, at: start) }
            value = next
            offset += 1
        }
        let hasLeadingZero = bytes[firstDigit] == UInt8(ascii: "0") && (offset - firstDigit > 1 || isNegative)
        switch peek {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): throw JSONError(.notAnInteger, at: start)
        default:
            guard !hasLeadingZero else { throw JSONError(.notAnInteger, at: start) }
            return value
        }
    }

    /// An integer within `range`; `name` says in the error what it is.
    public mutating func int(_ name: StaticString, in range: ClosedRange<Int>) throws(JSONError) -> Int {
        skipSpace()
        let start = offset
        let value = try int()
        guard range.contains(value) else {
            throw JSONError(
                .outOfRange(name: name.description, from: range.lowerBound, through: range.upperBound), at: start)
        }
        return value
    }

    public mutating func bool() throws(JSONError) -> Bool {
        skipSpace()
        switch peek {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default: throw unexpected("true or false")
        }
    }

    /// Consumes a `null` if that is the next value, and says whether it did.
    public mutating func takeNull() throws(JSONError) -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    /// A string with its escapes decoded.
    public mutating func string() throws(JSONError) -> String {
        skipSpace()
        guard peek == UInt8(ascii: "\"") else { throw unexpected("a string") }
        let (range, hasEscapes) = try scanString()
        let text =
            hasEscapes
            ? try unescaped(range).withUnsafeBytes { Self.text($0) }
            : Self.text(UnsafeRawBufferPointer(rebasing: bytes[range]))
        guard let text else { throw JSONError(.invalidUTF8, at: range.lowerBound) }
        return text
    }

    /// Nil for invalid UTF-8. (Validating costs several times what decoding costs, and most texts are ASCII.)
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        isASCII(bytes) ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }

    /// The bytes between a string's quotes, escapes checked but not decoded.
    public mutating func rawString() throws(JSONError) -> Range<Int> {
        skipSpace()
        guard peek == UInt8(ascii: "\"") else { throw unexpected("a string") }
        return try scanString().range
    }

    /// Passes over a string and says which of the known texts it is; nil: none of them.
    @inlinable
    public mutating func knownString<Text>(in texts: JSONFields<Text>) throws(JSONError) -> Text? {
        guard let index = try knownIndex(in: texts.names) else { return nil }
        return texts.cases[index]
    }

    @usableFromInline
    mutating func knownIndex(in names: JSONNames) throws(JSONError) -> Int? {
        skipSpace()
        guard peek == UInt8(ascii: "\"") else { throw unexpected("a string") }
        let (range, hasEscapes) = try scanString()
        guard hasEscapes else { return names.index(of: UnsafeRawBufferPointer(rebasing: bytes[range])) }
        return try unescaped(range).withUnsafeBytes { names.index(of: $0) }
    }

    /// Passes over a string and returns how many bytes of UTF-8 it holds once its escapes are decoded; each half of a
    /// surrogate pair counts as two.
    public mutating func stringByteCount() throws(JSONError) -> Int {
        skipSpace()
        guard peek == UInt8(ascii: "\"") else { throw unexpected("a string") }
        let (range, hasEscapes) = try scanString()
        return hasEscapes ? unescapedCount(range) : range.count
    }

    /// Checks one value of any kind and passes over it. Returns the bytes it occupies, without space around.
    @discardableResult
    public mutating func skip() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = offset
        var opened = 0
        // Bit n: the container at level n is an object.
        var objects: UInt64 = 0
        values: while true {
            switch peek {
            case UInt8(ascii: "\""): _ = try scanString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                let isObject = peek == UInt8(ascii: "{")
                guard depth + opened < Self.maxDepth else { throw JSONError(.tooDeep, at: offset) }
                let bit: UInt64 = 1 << opened
                objects = isObject ? objects | bit : objects & ~bit
                opened += 1
                offset += 1
                skipSpace()
                if peek != (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    if isObject { try skipKey() }
                    continue values
                }
            case UInt8(ascii: "t"): try literal("true")
            case UInt8(ascii: "f"): try literal("false")
            case UInt8(ascii: "n"): try literal("null")
            default: try skipNumber()
            }
            // After a value: close containers, or go on to the next value.
            while opened > 0 {
                skipSpace()
                let isObject = objects & (1 << (opened - 1)) != 0
                if peek == UInt8(ascii: ",") {
                    offset += 1
                    skipSpace()
                    if isObject { try skipKey() }
                    continue values
                }
                guard peek == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw unexpected(isObject ? "\",\" or \"}\"" : "\",\" or \"]\"")
                }
                offset += 1
                opened -= 1
            }
            return start..<offset
        }
    }

    private mutating func skipKey() throws(JSONError) {
        guard peek == UInt8(ascii: "\"") else { throw unexpected("a key") }
        _ = try scanString()
        try colon()
        skipSpace()
    }

    private mutating func skipNumber() throws(JSONError) {
        let start = offset
        if peek == UInt8(ascii: "-") { offset += 1 }
        guard isDigit(peek) else {
            offset = start
            throw unexpected("a value")
        }
        if peek == UInt8(ascii: "0") { offset += 1 } else { skipDigits() }
        if isDigit(peek) { throw unexpected("a number without leading zeros") }
        if peek == UInt8(ascii: ".") {
            offset += 1
            guard isDigit(peek) else { throw unexpected("a digit") }
            skipDigits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            offset += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
            guard isDigit(peek) else { throw unexpected("a digit") }
            skipDigits()
        }
    }

    private mutating func skipDigits() { while isDigit(peek) { offset += 1 } }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private mutating func literal(_ text: StaticString) throws(JSONError) {
        let count = text.utf8CodeUnitCount
        for index in 0..<count {
            guard peek == text.utf8Start[index] else { throw unexpected(text.description) }
            offset += 1
        }
    }
}
