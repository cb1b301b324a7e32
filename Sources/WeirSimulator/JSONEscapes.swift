/// The escapes inside a JSON string, once ``JSONCursor`` has found them well formed.
enum JSONEscapes {
    /// How many hexadecimal digits follow a backslash and `byte`; nil if that is no escape.
    static func digits(after byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "u"): 4
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            0
        default: nil
        }
    }

    static func hexValue(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// The string that `body` stands for. A lone surrogate becomes U+FFFD.
    static func decoded(_ body: Slice<UnsafeRawBufferPointer>) -> String {
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var result = ""
        var rest = body.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.next() else {
                flush(&units, into: &result)
                plain.append(byte)
                continue
            }
            result += String(decoding: plain, as: UTF8.self)
            plain.removeAll(keepingCapacity: true)
            switch kind {
            case UInt8(ascii: "u"):
                var unit: UInt16 = 0
                for _ in 0..<4 { unit = unit << 4 | (rest.next().flatMap(hexValue) ?? 0) }
                units.append(unit)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0c)
            case UInt8(ascii: "n"): units.append(0x0a)
            case UInt8(ascii: "r"): units.append(0x0d)
            case UInt8(ascii: "t"): units.append(0x09)
            default: units.append(UInt16(kind))
            }
        }
        flush(&units, into: &result)
        return result + String(decoding: plain, as: UTF8.self)
    }

    private static func flush(_ units: inout [UInt16], into result: inout String) {
        guard !units.isEmpty else { return }
        result += String(decoding: units, as: UTF16.self)
        units.removeAll(keepingCapacity: true)
    }
}
