/// The id of an entry in a stream: milliseconds and a number within them. Ordered as Redis orders them.
package struct StreamID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let ms: UInt64
    package let sequence: UInt64

    package init(ms: UInt64, sequence: UInt64) { (self.ms, self.sequence) = (ms, sequence) }

    /// `1795262400000-0`; nil for anything else.
    package init?(_ text: String) {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")), let ms = UInt64(text[..<dash]),
            let sequence = UInt64(text[text.utf8.index(after: dash)...])
        else { return nil }
        self.init(ms: ms, sequence: sequence)
    }

    package var description: String { "\(ms)-\(sequence)" }

    package static func < (one: StreamID, other: StreamID) -> Bool {
        (one.ms, one.sequence) < (other.ms, other.sequence)
    }
}
