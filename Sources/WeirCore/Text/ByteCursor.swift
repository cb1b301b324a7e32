/// Puts bytes one after the other into memory that was measured before.
///
/// For what every call writes: heads of requests and answers, commands, records. To grow a buffer part by part costs
/// several times what the parts themselves cost. It traps rather than write past the end, so its user measures every
/// part that comes from outside.
public struct ByteCursor {
    @usableFromInline let space: UnsafeMutableRawBufferPointer
    @usableFromInline var used = 0

    /// Bytes put so far.
    @inlinable public var count: Int { used }

    @inlinable
    public init(_ space: UnsafeMutableRawBufferPointer) { self.space = space }

    @inlinable
    public mutating func put(_ byte: UInt8) {
        take(1).storeBytes(of: byte, as: UInt8.self)
    }

    @inlinable
    public mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func put(_ text: String) { text.withBytes { put(UnsafeRawBufferPointer($0)) } }

    @inlinable
    public mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        take(bytes.count).copyMemory(from: start, byteCount: bytes.count)
    }

    /// As decimal text.
    public mutating func put(decimal number: Int) {
        // Lengths and counts mostly have one digit.
        if 0...9 ~= number { return put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number)) }
        if number < 0 { put(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let digits = Self.digits(of: rest)
        let start = take(digits)
        for place in stride(from: digits - 1, through: 0, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            start.storeBytes(
                of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit), toByteOffset: place, as: UInt8.self)
            rest = quotient
        }
    }

    /// Bytes of a number as decimal text.
    public static func bytes(ofDecimal number: Int) -> Int {
        digits(of: number.magnitude) + (number < 0 ? 1 : 0)
    }

    private static func digits(of number: UInt) -> Int {
        var digits = 1
        var bound: UInt = 10
        while number >= bound {
            digits += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        return digits
    }

    /// The memory for so many bytes more.
    @inlinable @inline(__always)
    mutating func take(_ more: Int) -> UnsafeMutableRawPointer {
        guard let base = space.baseAddress, more >= 0, space.count - used >= more else {
            preconditionFailure("more bytes are put than were measured")
        }
        defer { used += more }
        return base + used
    }
}
