/// An API key as its holder sees it: `wk_1a2B3c4D_` with its secret and a checksum behind it.
///
/// The text is answered once, when the key is made, and never kept: Redis and the ledger know its SHA-256 and its
/// short id. The checksum (as in the tokens of other services) lets scanners and people tell a key from other text and
/// find typing errors; nobody is let in by it.
public struct APIKey: Sendable, Hashable {
    /// `wk_1a2B3c4D`: shown to people, written to logs and the ledger.
    public let id: String
    /// The whole key. A secret.
    public let text: String

    private static let prefix = "wk_"
    private static let idDigits = 8
    /// 32 digits of 62 are 190 bits.
    private static let secretDigits = 32
    /// 62^6 is above 2^32.
    private static let checksumDigits = 6
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// A new key. Production passes `SystemRandomNumberGenerator`.
    public static func generate(using generator: inout some RandomNumberGenerator) -> APIKey {
        func random(_ count: Int) -> String {
            let bytes = (0..<count).map { _ in digits[Int.random(in: 0..<digits.count, using: &generator)] }
            return String(decoding: bytes, as: UTF8.self)
        }
        let id = prefix + random(idDigits)
        let body = id + "_" + random(secretDigits)
        return APIKey(id: id, text: body + checksum(of: body))
    }

    private init(id: String, text: String) {
        self.id = id
        self.text = text
    }

    /// Reads a key; nil unless it has a key's form and its checksum is right.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let idEnd = Self.prefix.utf8.count + Self.idDigits
        let bodyEnd = idEnd + 1 + Self.secretDigits
        guard bytes.count == bodyEnd + Self.checksumDigits, text.hasPrefix(Self.prefix),
            bytes[idEnd] == UInt8(ascii: "_"),
            (bytes[Self.prefix.utf8.count..<idEnd] + bytes[(idEnd + 1)...]).allSatisfy(Self.digits.contains),
            Self.checksum(of: String(decoding: bytes[..<bodyEnd], as: UTF8.self))
                == String(decoding: bytes[bodyEnd...], as: UTF8.self)
        else { return nil }
        self.init(id: String(decoding: bytes[..<idEnd], as: UTF8.self), text: text)
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

extension APIKey: CustomStringConvertible, CustomReflectable {
    /// The short id: a key that reaches a log by accident does not give itself away.
    public var description: String { id }

    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
