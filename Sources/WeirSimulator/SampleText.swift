import NIOCore

/// What the simulated models say: words of three letters and a space, so that a token is four bytes, as in English.
enum SampleText {
    /// The most tokens that one answer spells out. What is billed has no such bound.
    static let tokenBound = 262_144

    private static let words: StaticString = "the sun may set and the sea can run low but one man did not see any fog "
    private static let wordCount = words.utf8CodeUnitCount / 4
    private static let text: ByteBuffer = {
        let repetitions = tokenBound / wordCount + 2
        var buffer = ByteBuffer()
        buffer.reserveCapacity(repetitions * words.utf8CodeUnitCount)
        for _ in 0..<repetitions { buffer.writeStaticString(words) }
        return buffer
    }()

    /// Writes the tokens of one answer from `range.lowerBound` on. None of the bytes needs an escape in JSON.
    static func write(_ range: Range<Int>, into buffer: inout ByteBuffer) {
        let count = min(range.count, tokenBound)
        let start = range.lowerBound % wordCount
        guard let words = text.getSlice(at: start * 4, length: count * 4) else { return }
        buffer.writeImmutableBuffer(words)
    }
}
