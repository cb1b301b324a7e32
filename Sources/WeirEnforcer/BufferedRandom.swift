import Glibc

/// The system's random numbers, fetched thirty-two at a time: one call to the kernel for sixteen ids instead of two for
/// each.
struct BufferedRandom: RandomNumberGenerator {
    /// As much as `getentropy` gives at once: 256 bytes.
    private static let count = 32

    private var words = [UInt64](repeating: 0, count: count)
    private var used = count

    mutating func next() -> UInt64 {
        if used == Self.count { refill() }
        defer {
            // Nobody who reads this memory later learns an id that was made before.
            words[used] = 0
            used += 1
        }
        return words[used]
    }

    private mutating func refill() {
        let failed = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) } != 0
        if failed {
            var system = SystemRandomNumberGenerator()
            for index in words.indices { words[index] = system.next() }
        }
        used = 0
    }
}
