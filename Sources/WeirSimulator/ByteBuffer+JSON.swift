import NIOCore

extension ByteBuffer {
    mutating func writeDecimal(_ number: Int) {
        writeString(String(number))
    }

    /// Writes `text` as a JSON string with its quotes.
    mutating func writeJSON(_ text: String) {
        writeInteger(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            writeString(text)
        } else {
            for byte in text.utf8 { writeEscaped(byte) }
        }
        writeInteger(UInt8(ascii: "\""))
    }

    private mutating func writeEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): writeStaticString("\\\"")
        case UInt8(ascii: "\\"): writeStaticString("\\\\")
        case 0..<0x20:
            writeStaticString("\\u00")
            let digits: StaticString = "0123456789abcdef"
            writeInteger(digits.utf8Start[Int(byte >> 4)])
            writeInteger(digits.utf8Start[Int(byte & 15)])
        default: writeInteger(byte)
        }
    }

    /// Writes a name of one call: the prefix its provider uses, and the call's number.
    mutating func writeID(_ prefix: StaticString, _ id: Int) {
        writeStaticString(prefix)
        writeStaticString("sim")
        let digits = String(id)
        for _ in digits.utf8.count..<max(digits.utf8.count, 16) { writeInteger(UInt8(ascii: "0")) }
        writeString(digits)
    }
}
