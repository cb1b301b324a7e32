/// The lines that stand in a segment's bytes, told from those that were not written to their end.
///
/// A process that was killed leaves at most one such line, at the end and without its first byte. A power failure may
/// leave zeros instead of any page that the disk did not have yet.
struct OutboxLines: Sendable, Hashable {
    struct Line: Sendable, Hashable {
        /// Without its newline.
        let bytes: Range<Int>
        /// Zeros stand before it, so it may be the rest of a line.
        let isAfterGap: Bool
    }

    private(set) var whole: [Line] = []
    /// What is there of lines that are not.
    private(set) var fragments = 0

    /// - Parameter start: where a line begins.
    init(_ bytes: UnsafeRawBufferPointer, from start: Int = 0) {
        var end = bytes.count
        while end > start, bytes[end - 1] == 0 { end -= 1 }
        var (begin, isAfterGap) = (start, false)
        for offset in min(start, end)..<end {
            switch bytes[offset] {
            case 0:
                // Whatever of a line stands before them is lost with its rest.
                if offset > begin { fragments += 1 }
                (begin, isAfterGap) = (offset + 1, true)
            case UInt8(ascii: "\n"):
                if offset > begin { whole.append(Line(bytes: begin..<offset, isAfterGap: isAfterGap)) }
                (begin, isAfterGap) = (offset + 1, false)
            default: break
            }
        }
        if end > begin { fragments += 1 }
    }
}
