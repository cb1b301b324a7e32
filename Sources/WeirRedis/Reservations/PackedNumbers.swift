import WeirCore

/// Numbers as scripts unpack them in one step: big-endian doubles, exact up to 2^53. A string match for each limit would
/// cost Redis three times as much.
struct PackedNumbers {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(8 * capacity) }

    /// Clamped to 0 … 2^53 - 1.
    mutating func add(_ number: Int) {
        let bits = Double(min(max(0, number), .largestExact)).bitPattern
        withUnsafeBytes(of: bits.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
