import WeirCore

/// What has been seen of an answer so far. The dialects' readers fill it in.
struct Observation: Sendable, Equatable {
    var stated = StatedUsage()
    /// The last word on usage has been stated: the stated values hold, and no estimate replaces them.
    var isUsageFinal = false
    /// Bytes of text, thinking and tool arguments that the model has made.
    var outputBytes = 0
    var model: String?
    var firstTool: String?
    var isComplete = false
    var providerError: String?
    /// The first thing that made a count less than certain.
    var doubt: String?
    /// The text that was counted as output last.
    var lastCounted = CountedText()

    struct CountedText: Sendable, Equatable {
        /// The how manieth it is.
        var number = 0
        /// Where it stood, with its quotes.
        var place = 0..<0
        var bytes = 0
    }

    /// Longest text of each kind that is kept, in bytes.
    static let longestModel = 256
    static let longestTool = 128
    static let longestError = 512

    mutating func note(doubt reason: String) { doubt = doubt ?? reason }

    mutating func note(model name: String) {
        if model == nil, !name.isEmpty, name.utf8.count <= Self.longestModel { model = name }
    }

    mutating func note(tool name: String) {
        if firstTool == nil, !name.isEmpty { firstTool = Self.shortened(name, to: Self.longestTool) }
    }

    mutating func note(error text: String) {
        if providerError == nil { providerError = Self.shortened(text, to: Self.longestError) }
    }

    mutating func countOutput(_ scanner: inout JSONScanner) throws(JSONError) {
        if try scanner.kind() == .string {
            let start = scanner.offset
            let bytes = try scanner.stringByteCount()
            outputBytes = outputBytes.addingSaturated(bytes)
            lastCounted = CountedText(number: lastCounted.number &+ 1, place: start..<scanner.offset, bytes: bytes)
        } else {
            try scanner.skip()
        }
    }

    /// Where the one text stands whose bytes are all that has been added since; nil: more has changed, or nothing.
    func onlyText(since before: Observation) -> Range<Int>? {
        guard lastCounted.number == before.lastCounted.number &+ 1, outputBytes > before.outputBytes,
            outputBytes - before.outputBytes == lastCounted.bytes
        else { return nil }
        var same = self
        (same.outputBytes, same.lastCounted) = (before.outputBytes, before.lastCounted)
        return same == before ? lastCounted.place : nil
    }

    /// A string, or nil (and passed over) for anything else.
    static func text(_ scanner: inout JSONScanner) throws(JSONError) -> String? {
        if try scanner.kind() == .string {
            var attempt = scanner
            if let text = try? attempt.string() {
                scanner = attempt
                return text
            }
        }
        try scanner.skip()
        return nil
    }

    private enum ErrorField: String, CaseIterable, Sendable { case type, message, code, status }
    private static let errorFields = JSONFields(ErrorField.self)

    /// `{"type": …, "message": …}`, or `{"status": …, "message": …}` of Gemini.
    mutating func readError(_ scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.kind() {
        case .object:
            var type: String?
            var message: String?
            var members = try scanner.beginObject()
            while let field = try scanner.next(&members, in: Self.errorFields) {
                let text = try Self.text(&scanner)
                switch field {
                case .type: type = text
                case .message: message = text
                case .code, .status: type = type ?? text
                }
            }
            note(error: [type, message].compactMap(\.self).joined(separator: ": "))
        case .null: try scanner.skip()
        default: note(error: try Self.text(&scanner) ?? "error")
        }
    }

    private static func shortened(_ text: String, to bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: bytes)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }
}
