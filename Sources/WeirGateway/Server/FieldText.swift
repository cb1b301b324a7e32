import WeirCore

/// Names of header fields, compared without regard to case.
extension String {
    /// Compares ASCII without regard to case; `lowercase` must be lower case.
    func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        utf8.count == lowercase.utf8CodeUnitCount && hasPrefixIgnoringCase(lowercase)
    }

    /// `lowercase` must be lower case.
    func hasPrefixIgnoringCase(_ lowercase: StaticString) -> Bool {
        let prefix = UnsafeBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount)
        guard utf8.count >= prefix.count else { return false }
        return withBytes { bytes in
            // Every field of every message is compared with several names; most differ at once.
            var index = 0
            while index < prefix.count, asciiLowercased(bytes[index]) == prefix[index] { index += 1 }
            return index == prefix.count
        }
    }
}

extension StringProtocol {
    /// Compares two texts that come from outside, ASCII letters without regard to case.
    func equalsIgnoringCase(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return withBytes { bytes in
            other.withBytes { others in
                var index = 0
                while index < bytes.count, asciiLowercased(bytes[index]) == asciiLowercased(others[index]) {
                    index += 1
                }
                return index == bytes.count
            }
        }
    }
}

@inline(__always)
private func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
}
