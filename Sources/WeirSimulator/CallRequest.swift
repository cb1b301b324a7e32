import NIOCore

/// What the simulator needs to know of a request's body, read in one pass.
///
/// Of a repeated key the last value counts, as in the parsers that providers use; whoever reads the first one
/// sees another request than the provider does.
struct CallRequest: Sendable, Equatable {
    /// Why the body is refused, in words for the caller.
    struct Fault: Error, Equatable {
        var message: String
        /// The field at fault, as OpenAI's errors name it.
        var parameter: String?
    }

    var model: String?
    var isStream = false
    var maxTokens: Int?
    var maxCompletionTokens: Int?
    var maxOutputTokens: Int?
    var choices = 1
    var hasStreamOptions = false
    var includesUsage = false
    var hasMessages = false
    /// How many texts an embeddings request holds; nil when there is no `input`.
    var inputs: Int?
    var wantsBase64 = false

    /// - Throws: ``Fault`` when the body is not JSON or a field that matters has a wrong type or is out of range.
    init(_ body: ByteBuffer) throws(Fault) {
        var request = CallRequest()
        var failure: Fault?
        body.withUnsafeReadableBytes { bytes in
            do throws(JSONCursor.Fault) {
                var cursor = JSONCursor(bytes)
                try cursor.object { (key, cursor) throws(JSONCursor.Fault) in
                    if let fault = try request.read(key, &cursor) { failure = failure ?? fault }
                }
                try cursor.expectEnd()
            } catch {
                failure = Fault(message: "The body is not a JSON object (at byte \(error.offset)).", parameter: nil)
            }
        }
        if let failure { throw failure }
        self = request
    }

    private init() {}

    /// Consumes one member of the body.
    private mutating func read(_ key: String, _ cursor: inout JSONCursor) throws(JSONCursor.Fault) -> Fault? {
        switch key {
        case "model":
            model = nil
            guard cursor.peek() == UInt8(ascii: "\"") else { return try Self.wrong(key, "a string", &cursor) }
            model = try cursor.string()
        case "stream":
            guard let value = try Self.optionalBoolean(&cursor) else {
                return try Self.wrong(key, "a boolean", &cursor)
            }
            isStream = value
        case "max_tokens": return try Self.readCount(key, &maxTokens, &cursor)
        case "max_completion_tokens": return try Self.readCount(key, &maxCompletionTokens, &cursor)
        case "max_output_tokens": return try Self.readCount(key, &maxOutputTokens, &cursor)
        case "n":
            var count: Int?
            if let fault = try Self.readCount(key, &count, &cursor) { return fault }
            guard (count ?? 1) <= 128 else { return Fault(message: "n: at most 128 choices.", parameter: key) }
            choices = count ?? 1
        case "messages":
            hasMessages = false
            guard cursor.peek() == UInt8(ascii: "[") else { return try Self.wrong(key, "an array", &cursor) }
            hasMessages = try cursor.countElements() > 0
        case "contents":
            hasMessages = false
            guard cursor.peek() == UInt8(ascii: "[") else { return try Self.wrong(key, "an array", &cursor) }
            hasMessages = try cursor.countElements() > 0
        case "generationConfig", "generation_config":
            guard cursor.peek() == UInt8(ascii: "{") else { return try Self.wrong(key, "an object", &cursor) }
            var fault: Fault?
            try cursor.object { (name, cursor) throws(JSONCursor.Fault) in
                switch name {
                case "maxOutputTokens", "max_output_tokens":
                    fault = try Self.readCount(name, &maxOutputTokens, &cursor) ?? fault
                case "candidateCount", "candidate_count":
                    var count: Int?
                    fault = try Self.readCount(name, &count, &cursor) ?? fault
                    choices = min(count ?? 1, 8)
                default: try cursor.skip()
                }
            }
            return fault
        case "input":
            if cursor.peek() == UInt8(ascii: "[") {
                inputs = try cursor.countElements()
            } else {
                try cursor.skip()
                inputs = 1
            }
        case "encoding_format":
            guard cursor.peek() == UInt8(ascii: "\"") else { return try Self.wrong(key, "a string", &cursor) }
            wantsBase64 = try cursor.string() == "base64"
        case "stream_options":
            includesUsage = false
            hasStreamOptions = cursor.peek() == UInt8(ascii: "{")
            guard cursor.peek() == UInt8(ascii: "{") else {
                if cursor.peek() == UInt8(ascii: "n") { return try skipped(&cursor) }
                return try Self.wrong(key, "an object", &cursor)
            }
            var fault: Fault?
            try cursor.object { (name, cursor) throws(JSONCursor.Fault) in
                guard name == "include_usage" else { return try cursor.skip() }
                guard let value = try Self.optionalBoolean(&cursor) else {
                    fault = try Self.wrong("stream_options.include_usage", "a boolean", &cursor)
                    return
                }
                includesUsage = value
            }
            return fault
        default: try cursor.skip()
        }
        return nil
    }

    private func skipped(_ cursor: inout JSONCursor) throws(JSONCursor.Fault) -> Fault? {
        try cursor.skip()
        return nil
    }

    /// False for `null`; nil, with nothing consumed, when something else comes next.
    private static func optionalBoolean(_ cursor: inout JSONCursor) throws(JSONCursor.Fault) -> Bool? {
        switch cursor.peek() {
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): try cursor.boolean() ?? false
        default: nil
        }
    }

    /// Reads a whole number of at least 1; `null` counts as absent.
    private static func readCount(
        _ key: String, _ value: inout Int?, _ cursor: inout JSONCursor
    ) throws(JSONCursor.Fault) -> Fault? {
        value = nil
        switch cursor.peek() {
        case UInt8(ascii: "n"):
            try cursor.skip()
            return nil
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            guard let number = try cursor.integer(), number >= 1 else {
                return Fault(message: "\(key): must be a whole number of at least 1.", parameter: key)
            }
            value = number
            return nil
        default: return try wrong(key, "a whole number", &cursor)
        }
    }

    private static func wrong(
        _ key: String, _ expected: String, _ cursor: inout JSONCursor
    ) throws(JSONCursor.Fault) -> Fault {
        try cursor.skip()
        return Fault(message: "\(key): must be \(expected).", parameter: key)
    }
}
