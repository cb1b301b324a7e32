extension JSONScanner {
    /// Passes over a string whose opening quote is the next byte; checks escapes and control characters.
    mutating func scanString() throws(JSONError) -> (range: Range<Int>, hasEscapes: Bool) {
        let start = offset + 1
        var position = start
        var hasEscapes = false
        let count = bytes.count
        while true {
            // Eight bytes at a time while none of them is a quote, a backslash or a control character.
            while position + 8 <= count {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                guard Self.isPlain(word) else { break }
                position += 8
            }
            guard position < count else { throw JSONError(.endsEarly, at: count) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                offset = position + 1
                return (start..<position, hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position = try afterEscape(position)
            } else if byte < 0x20 {
                throw JSONError(.controlCharacter, at: position)
            } else {
                position += 1
            }
        }
    }

    /// True when no byte of `word` is `"`, `\` or below 0x20. (The usual "has a zero byte" test, three times; a false
    /// alarm only means that the bytes are looked at one by one.)
    @inline(__always)
    static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let found =
            ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | ((word &- (ones &* 0x20)) & ~word)
        return found & tops == 0
    }

    /// False when any byte is `"`, `\` or below 0x20.
    static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position + 8 <= bytes.count {
            guard isPlain(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) else { return false }
            position += 8
        }
        if position > 0, position < bytes.count {
            return isPlain(bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
        }
        while position < bytes.count {
            let byte = bytes[position]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { return false }
            position += 1
        }
        return true
    }

    static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            guard word & 0x8080_8080_8080_8080 == 0 else { return false }
            position += 8
        }
        while position < bytes.count {
            guard bytes[position] < 0x80 else { return false }
            position += 1
        }
        return true
    }

    private func afterEscape(_ backslash: Int) throws(JSONError) -> Int {
        guard backslash + 1 < bytes.count else { throw JSONError(.endsEarly, at: bytes.count) }
        switch bytes[backslash + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return backslash + 2
        case UInt8(ascii: "u"):
            _ = try codeUnit(at: backslash + 2)
            return backslash + 6
        default: throw JSONError(.badEscape, at: backslash)
        }
    }

    /// The four hexadecimal digits after `\u`.
    private func codeUnit(at position: Int) throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw JSONError(.endsEarly, at: bytes.count) }
        var unit: UInt32 = 0
        for index in position..<position + 4 {
            let digit: UInt8
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[index] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[index] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[index] - UInt8(ascii: "A") + 10
            default: throw JSONError(.badEscape, at: index)
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// The decoded bytes of a string that ``scanString()`` has passed. Its unescaped bytes are copied unchecked.
    func unescaped(_ range: Range<Int>) throws(JSONError) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            guard bytes[position] == UInt8(ascii: "\\") else {
                plain.append(bytes[position])
                position += 1
                continue
            }
            let letter = bytes[position + 1]
            guard letter == UInt8(ascii: "u") else {
                plain.append(Self.plain(letter))
                position += 2
                continue
            }
            var scalar = try codeUnit(at: position + 2)
            let start = position
            position += 6
            if (0xD800..<0xDC00).contains(scalar) {
                guard position + 6 <= range.upperBound, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw JSONError(.loneSurrogate, at: start) }
                let low = try codeUnit(at: position + 2)
                guard (0xDC00..<0xE000).contains(low) else { throw JSONError(.loneSurrogate, at: start) }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                position += 6
            }
            guard let character = Unicode.Scalar(scalar) else { throw JSONError(.loneSurrogate, at: start) }
            plain.append(contentsOf: UTF8.encode(character) ?? UTF8.encodedReplacementCharacter)
        }
        return plain
    }

    /// How many bytes ``unescaped(_:)`` would return.
    func unescapedCount(_ range: Range<Int>) -> Int {
        var count = 0
        var position = range.lowerBound
        while position < range.upperBound {
            guard bytes[position] == UInt8(ascii: "\\") else {
                count += 1
                position += 1
                continue
            }
            guard bytes[position + 1] == UInt8(ascii: "u") else {
                count += 1
                position += 2
                continue
            }
            // The digits have been checked: a failure cannot happen, and would count as the longest.
            let unit = (try? codeUnit(at: position + 2)) ?? 0xFFFF
            count += unit < 0x80 ? 1 : unit < 0x800 || (0xD800..<0xE000).contains(unit) ? 2 : 3
            position += 6
        }
        return count
    }

    /// What the letter after a backslash stands for.
    private static func plain(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }
}
