/// What the `x-simulate` header tells the simulator to do: `name=value` fields, separated by semicolons.
///
/// | field | meaning |
/// | --- | --- |
/// | `input` | fresh input tokens; without it a token for each four bytes of the request |
/// | `cache-read`, `cache-write-5m`, `cache-write-1h` | further input tokens (writes: Anthropic only) |
/// | `output` | tokens each choice wants to make, cut at `max_tokens`; 20 without it |
/// | `reasoning` | how many of them are thinking, which no text shows |
/// | `chunks` | events of text in a stream; up to 10 without it |
/// | `delay-ms` | the pause between two chunks; before the head of a plain answer |
/// | `head-delay-ms` | the pause before the head of any answer |
/// | `hang-after`, `reset-after` | silence, or RST, after so many chunks; 0 is before the head |
/// | `end-after`, `error-after` | a stream's early end, or an error event, after so many chunks |
/// | `split` | the stream arrives in pieces of so many bytes |
/// | `status`, `retry-after` | an error instead of an answer; its header in seconds |
/// | `usage` | how usage is reported: ``UsageReport`` |
/// | `tool` | the answer calls this tool |
///
/// Every number is bounded, so that sums of them cannot overflow. A field that is unknown, repeated or malformed
/// is refused, since a test that simulates something else than it says proves nothing.
struct Instructions: Sendable, Equatable {
    /// How usage is reported. The log keeps what the call really cost, except after `zero`, which is what it costs then.
    enum UsageReport: String, Sendable, CaseIterable {
        case exact
        /// Usage is left out of the answer.
        case none
        /// The provider says that the call cost nothing.
        case zero
        /// A stream reports its usage twice.
        case twice
        /// A stream reports its usage, then half of it. A plain answer reports it once.
        case decreasing
        /// Every number is negative.
        case negative
        /// Every number is 2^53 and more.
        case huge
    }

    /// A malformed header, in words for the caller.
    struct Fault: Error, Equatable { var message: String }

    var input: Int?
    var output = 20
    var cacheRead = 0
    var cacheWrite5m = 0
    var cacheWrite1h = 0
    var reasoning = 0
    var chunks: Int?
    var delayMs = 0
    var headDelayMs = 0
    var hangAfter: Int?
    var resetAfter: Int?
    var endAfter: Int?
    var errorAfter: Int?
    /// Events are sent in pieces of so many bytes, each an HTTP chunk of its own.
    var split: Int?
    var status: Int?
    var retryAfter: Int?
    var usage = UsageReport.exact
    var tool: String?

    /// No header: the defaults above.
    init() {}

    /// - Throws: ``Fault`` that names the field and what would be right.
    init(header: String) throws(Fault) {
        var seen = Set<Substring>()
        for field in header.split(separator: ";") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].trimmed
            if name.isEmpty, parts.count == 1 { continue }
            guard parts.count == 2 else { throw Fault(message: "x-simulate: '\(name)' needs a value, as in \(name)=1") }
            guard seen.insert(name).inserted else { throw Fault(message: "x-simulate: '\(name)' is given twice") }
            try set(name, parts[1].trimmed)
        }
    }

    /// Tokens of one kind; far above every real call, far below overflow.
    static let tokenBound = 0...1_000_000_000

    private mutating func set(_ name: Substring, _ value: Substring) throws(Fault) {
        switch name {
        case "input": input = try Self.number(name, value, Self.tokenBound)
        case "output": output = try Self.number(name, value, Self.tokenBound)
        case "cache-read": cacheRead = try Self.number(name, value, Self.tokenBound)
        case "cache-write-5m": cacheWrite5m = try Self.number(name, value, Self.tokenBound)
        case "cache-write-1h": cacheWrite1h = try Self.number(name, value, Self.tokenBound)
        case "reasoning": reasoning = try Self.number(name, value, Self.tokenBound)
        case "chunks": chunks = try Self.number(name, value, 1...100_000)
        case "delay-ms": delayMs = try Self.number(name, value, 0...600_000)
        case "head-delay-ms": headDelayMs = try Self.number(name, value, 0...600_000)
        case "hang-after": hangAfter = try Self.number(name, value, 0...100_000)
        case "reset-after": resetAfter = try Self.number(name, value, 0...100_000)
        case "end-after": endAfter = try Self.number(name, value, 0...100_000)
        case "error-after": errorAfter = try Self.number(name, value, 0...100_000)
        case "split": split = try Self.number(name, value, 1...65_536)
        case "status": status = try Self.number(name, value, 300...599)
        case "retry-after": retryAfter = try Self.number(name, value, 0...31_536_000)
        case "usage":
            guard let report = UsageReport(rawValue: String(value)) else {
                let known = UsageReport.allCases.map(\.rawValue).joined(separator: ", ")
                throw Fault(message: "x-simulate: usage '\(value)' is none of \(known)")
            }
            usage = report
        case "tool":
            guard (1...64).contains(value.utf8.count), value.utf8.allSatisfy(Self.isToolNameByte) else {
                throw Fault(message: "x-simulate: tool '\(value)' is not 1 to 64 of A-Z a-z 0-9 _ -")
            }
            tool = String(value)
        default:
            throw Fault(message: "x-simulate: '\(name)' is not known; known are \(Self.names)")
        }
    }

    private static let names =
        "input, output, cache-read, cache-write-5m, cache-write-1h, reasoning, chunks, delay-ms, head-delay-ms, "
        + "hang-after, reset-after, end-after, error-after, split, status, retry-after, usage, tool"

    private static func number(_ name: Substring, _ value: Substring, _ bound: ClosedRange<Int>) throws(Fault) -> Int {
        // `Int` would accept a sign, and the simulator wants one way to write a number.
        guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(value), bound.contains(number)
        else {
            throw Fault(
                message: "x-simulate: \(name) '\(value)' is not a whole number from \(bound.lowerBound) "
                    + "to \(bound.upperBound)")
        }
        return number
    }

    private static func isToolNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension Substring {
    /// Without the spaces and tabs around it.
    fileprivate var trimmed: Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return self[first...last]
    }
}
