import WeirCore

/// The id of a reservation and of the event it ends in: a ULID (github.com/ulid/spec), so it tells when it was made.
package struct ReservationID: Sendable, Hashable {
    /// 26 characters of Crockford's base 32.
    package let text: String
    /// Milliseconds since 1970.
    package let birthMs: Int

    private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// A byte's value as a digit; 255: it is none.
    private static let values: [UInt8] = (0...255).map { byte in
        digits.firstIndex(of: byte).map { UInt8($0) } ?? 255
    }

    /// Nobody's: under it is only asked, by a script that may not write (``AdmitScript/isTrial``).
    package static let none = ReservationID(zeros: 26)

    private init(zeros count: Int) { (text, birthMs) = (String(repeating: "0", count: count), 0) }

    /// A new id: 48 bits of time, 80 random bits.
    package init(birthMs: Int, using generator: inout some RandomNumberGenerator) {
        let birthMs = min(max(0, birthMs), 1 << 48 - 1)
        let high = generator.next()
        let low = generator.next()
        self.birthMs = birthMs
        text = String(unsafeUninitializedCapacity: 26) { buffer in
            for i in 0..<10 { buffer[i] = Self.digits[(birthMs >> (45 - 5 * i)) & 31] }
            for i in 0..<8 { buffer[10 + i] = Self.digits[Int(truncatingIfNeeded: high >> (5 * i)) & 31] }
            for i in 0..<8 { buffer[18 + i] = Self.digits[Int(truncatingIfNeeded: low >> (5 * i)) & 31] }
            return 26
        }
    }

    /// Nil unless `text` has the form of a ULID.
    package init?(_ text: String) {
        guard text.utf8.count == 26 else { return nil }
        let birthMs: Int? = text.withBytes { bytes in
            var birthMs = 0
            for place in bytes.indices {
                let digit = Self.values[Int(bytes[place])]
                guard digit < 32 else { return nil }
                if place < 10 { birthMs = birthMs << 5 | Int(digit) }
            }
            return birthMs
        }
        guard let birthMs, birthMs < 1 << 48 else { return nil }
        self.text = text
        self.birthMs = birthMs
    }

    /// The first ten characters of ids made at `birthMs`: what expired.lua compares by.
    package static func prefix(birthMs: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return String(ReservationID(birthMs: birthMs, using: &generator).text.prefix(10))
    }
}
