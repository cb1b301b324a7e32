/// An IPv4 or IPv6 address. A v4-mapped one (`::ffff:192.0.2.7`) is the IPv4 address: the same client on both.
public struct IPAddress: Sendable, Hashable {
    /// 32 bits of an IPv4 address, 128 of an IPv6 one.
    let bits: UInt128
    public let isV6: Bool

    init(bits: UInt128, isV6: Bool) {
        self.bits = bits
        self.isV6 = isV6
    }

    /// Nil unless `text` is exactly one address: four decimal numbers without leading zeros, or RFC 4291 section 2.2.
    /// No port, brackets, zone or space.
    public init?(_ text: some StringProtocol) {
        // The longest is an IPv6 address that ends in an IPv4 one.
        guard text.utf8.count <= 45 else { return nil }
        let bytes = Array(text.utf8)
        if !bytes.contains(UInt8(ascii: ":")) {
            guard let bits = Self.v4(bytes[...]) else { return nil }
            self.init(bits: UInt128(bits), isV6: false)
        } else {
            guard let bits = Self.v6(bytes[...]) else { return nil }
            let isMapped = bits >> 32 == 0xffff
            self.init(bits: isMapped ? bits & 0xffff_ffff : bits, isV6: !isMapped)
        }
    }

    /// Who counts as one client, as subjects of limits name it: `192.0.2.7`, or `2001:db8:0:7::/64`, the network that an
    /// IPv6 client is usually given whole and can change its address in at will.
    public var subject: String {
        if !isV6 { return text }
        var groups = (0..<4).map { bits >> (112 - 16 * $0) & 0xffff }
        while groups.last == 0 { groups.removeLast() }
        return groups.map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
    }

    /// The address itself, an IPv6 one with all of its eight groups.
    public var text: String {
        isV6
            ? (0..<8).map { String(bits >> (112 - 16 * $0) & 0xffff, radix: 16) }.joined(separator: ":")
            : (0..<4).map { String(bits >> (24 - 8 * $0) & 0xff) }.joined(separator: ".")
    }

    private static func v4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard (0x30...0x39).contains(byte) else { return nil }
                number = number * 10 + UInt32(byte - 0x30)
            }
            guard number <= 255 else { return nil }
            bits = bits << 8 | number
        }
        return bits
    }

    private static func v6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        let colon = UInt8(ascii: ":")
        var head = bytes
        var tail: ArraySlice<UInt8>?
        if let gap = bytes.indices.dropLast().first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon }) {
            head = bytes[..<gap]
            tail = bytes[(gap + 2)...]
        }
        // An IPv4 address may stand at the very end only.
        guard let left = groups(head, mayEndInV4: tail == nil) else { return nil }
        var all = left
        if let tail {
            guard let right = groups(tail, mayEndInV4: true), left.count + right.count <= 7 else { return nil }
            all += Array(repeating: 0, count: 8 - left.count - right.count) + right
        }
        guard all.count == 8 else { return nil }
        return all.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func groups(_ bytes: ArraySlice<UInt8>, mayEndInV4: Bool) -> [UInt16]? {
        if bytes.isEmpty { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInV4, index == parts.count - 1, let bits = v4(part) {
                groups += [UInt16(bits >> 16), UInt16(bits & 0xffff)]
                continue
            }
            guard (1...4).contains(part.count), part.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups
    }
}
