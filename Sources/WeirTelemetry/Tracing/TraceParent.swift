/// A place in a trace, as the header `traceparent` says it: `00-<trace>-<span>-<flags>`.
/// Source: https://www.w3.org/TR/trace-context/, version 00.
package struct TraceParent: Sendable, Hashable {
    package static let header = "traceparent"

    /// 32 and 16 digits of lower-case hex, not all zero.
    package let trace: String
    package let span: String
    package let isSampled: Bool

    package init(trace: String, span: String, isSampled: Bool) {
        (self.trace, self.span, self.isSampled) = (trace, span, isSampled)
    }

    /// Nil: what came is no such header, and counts as none. Later versions may add fields at the end.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= 512, parts.count >= 4, let version = Self.hex(parts[0], 2), version != "ff",
            version != "00" || parts.count == 4, let trace = Self.hex(parts[1], 32), let span = Self.hex(parts[2], 16),
            let flags = Self.hex(parts[3], 2).flatMap({ UInt8($0, radix: 16) }),
            trace.contains(where: { $0 != "0" }), span.contains(where: { $0 != "0" })
        else { return nil }
        self.init(trace: trace, span: span, isSampled: flags & 1 == 1)
    }

    package var text: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }

    private static func hex(_ text: Substring, _ count: Int) -> String? {
        let isHex = text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        return isHex && text.utf8.count == count ? String(text) : nil
    }

    /// So many random bytes as hex; never all zero.
    static func random(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        var text = ""
        for index in 0..<bytes {
            let byte = UInt8.random(in: (index == 0 ? 1 : 0)...255, using: &generator)
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }
}
