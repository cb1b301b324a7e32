/// The form of a credential's text: `wk_1a2B3c4D_` with its secret and a checksum behind it.
///
/// The checksum (as in the tokens of other services) lets scanners and people tell a credential from other text and find
/// typing errors; nobody is let in by it.
struct CredentialForm: Sendable {
    /// `wk_`: tells what kind it is of.
    let prefix: String

    private static let idDigits = 8
    /// 32 digits of 62 are 190 bits.
    private static let secretDigits = 32
    /// 62^6 is above 2^32.
    private static let checksumDigits = 6
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// A new one. Production passes `SystemRandomNumberGenerator`.
    func generate(using generator: inout some RandomNumberGenerator) -> (id: String, text: String) {
        func random(_ count: Int) -> String {
            let bytes = (0..<count).map { _ in Self.digits[Int.random(in: 0..<Self.digits.count, using: &generator)] }
            return String(decoding: bytes, as: UTF8.self)
        }
        let id = prefix + random(Self.idDigits)
        let body = id + "_" + random(Self.secretDigits)
        return (id, body + Self.checksum(of: body))
    }

    /// The id in a credential's text; nil unless it has this form and its checksum is right.
    func id(of text: String) -> String? {
        let bytes = Array(text.utf8)
        let idEnd = prefix.utf8.count + Self.idDigits
        let bodyEnd = idEnd + 1 + Self.secretDigits
        guard bytes.count == bodyEnd + Self.checksumDigits, text.hasPrefix(prefix),
            bytes[idEnd] == UInt8(ascii: "_"),
            (bytes[prefix.utf8.count..<idEnd] + bytes[(idEnd + 1)...]).allSatisfy(Self.digits.contains),
            Self.checksum(of: String(decoding: bytes[..<bodyEnd], as: UTF8.self))
                == String(decoding: bytes[bodyEnd...], as: UTF8.self)
        else { return nil }
        return String(decoding: bytes[..<idEnd], as: UTF8.self)
    }

    /// CRC-32 (IEEE 802.3) in base 62.
    private static func checksum(of text: String) -> String {
        var crc: UInt32 = 0xffff_ffff
        for byte in text.utf8 {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = (crc >> 1) ^ (crc & 1 == 1 ? 0xedb8_8320 : 0) }
        }
        var rest = Int(~crc)
        var result: [UInt8] = []
        for _ in 0..<checksumDigits {
            result.append(digits[rest % digits.count])
            rest /= digits.count
        }
        return String(decoding: result.reversed(), as: UTF8.self)
    }
}
