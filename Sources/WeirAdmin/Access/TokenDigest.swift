import Crypto

/// The SHA-256 of an admin token: all that is kept of it.
struct TokenDigest: Sendable {
    private let digest: SHA256Digest

    init(_ text: String) { digest = SHA256.hash(data: Array(text.utf8)) }

    /// Compares digests, in constant time (swift-crypto's `==`): how long it takes says nothing about the token.
    static func == (left: TokenDigest, right: TokenDigest) -> Bool { left.digest == right.digest }

    /// Compares with a digest of the ledger, in constant time, too.
    func isEqual(toHexadecimal text: String) -> Bool {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let high = Character(Unicode.Scalar(high)).hexDigitValue,
                let low = Character(Unicode.Scalar(low)).hexDigitValue
            else { return false }
            bytes.append(UInt8(high << 4 | low))
        }
        return digest == bytes
    }

    /// 64 lower-case hexadecimal digits.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
