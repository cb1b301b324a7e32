import WeirCore

/// The answers of `generateContent`: one object, or a stream of objects of the same form, each with the usage so far.
/// Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
extension Observation {
    private enum Field: String, CaseIterable, Sendable {
        case candidates, promptFeedback, usageMetadata, modelVersion, error
    }
    private enum CandidateField: String, CaseIterable, Sendable { case content, finishReason }
    private enum ContentField: String, CaseIterable, Sendable { case parts }
    private enum PartField: String, CaseIterable, Sendable { case text, functionCall, executableCode }
    private enum CallField: String, CaseIterable, Sendable { case name, args, code }
    private enum FeedbackField: String, CaseIterable, Sendable { case blockReason }
    private enum UsageField: String, CaseIterable, Sendable {
        case promptTokenCount, cachedContentTokenCount, candidatesTokenCount, thoughtsTokenCount
        case toolUsePromptTokenCount
    }

    private static let fields = JSONFields(Field.self)
    private static let candidateFields = JSONFields(CandidateField.self)
    private static let contentFields = JSONFields(ContentField.self)
    private static let partFields = JSONFields(PartField.self)
    private static let callFields = JSONFields(CallField.self)
    private static let feedbackFields = JSONFields(FeedbackField.self)
    private static let usageFields = JSONFields(UsageField.self)

    mutating func readGeminiAnswer(_ scanner: inout JSONScanner) throws(JSONError) {
        let before = outputBytes
        var isLast = false
        var statesUsage = false
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.fields) {
            switch field {
            case .candidates where try scanner.kind() == .array:
                var elements = try scanner.beginArray()
                while try scanner.next(&elements) {
                    if try scanner.kind() == .object {
                        isLast = try readCandidate(&scanner) || isLast
                    } else {
                        try scanner.skip()
                    }
                }
            case .promptFeedback where try scanner.kind() == .object: isLast = try readFeedback(&scanner) || isLast
            case .usageMetadata where try scanner.kind() == .object:
                try readUsage(&scanner)
                statesUsage = true
            case .modelVersion: note(model: try Self.text(&scanner) ?? "")
            case .error: try readError(&scanner)
            default: try scanner.skip()
            }
        }
        if isLast {
            isComplete = true
            isUsageFinal = isUsageFinal || statesUsage
        } else if outputBytes > before {
            // Several candidates end one after the other, and usage grows until the last has.
            (isComplete, isUsageFinal) = (false, false)
        }
    }

    /// Whether it is the candidate's end.
    private mutating func readCandidate(_ scanner: inout JSONScanner) throws(JSONError) -> Bool {
        var isLast = false
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.candidateFields) {
            switch field {
            case .content where try scanner.kind() == .object:
                var content = try scanner.beginObject()
                while try scanner.next(&content, in: Self.contentFields) != nil {
                    guard try scanner.kind() == .array else {
                        try scanner.skip()
                        continue
                    }
                    var parts = try scanner.beginArray()
                    while try scanner.next(&parts) {
                        if try scanner.kind() == .object { try readPart(&scanner) } else { try scanner.skip() }
                    }
                }
            case .content: try scanner.skip()
            case .finishReason:
                isLast = try scanner.kind() != .null
                try scanner.skip()
            }
        }
        return isLast
    }

    private mutating func readPart(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.partFields) {
            switch field {
            case .text: try countOutput(&scanner)
            case .functionCall where try scanner.kind() == .object: try readCall(&scanner)
            case .executableCode where try scanner.kind() == .object:
                note(tool: "code_execution")
                try readCall(&scanner)
            case .functionCall, .executableCode: try scanner.skip()
            }
        }
    }

    private mutating func readCall(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.callFields) {
            switch field {
            case .name: note(tool: try Self.text(&scanner) ?? "")
            case .args: outputBytes = outputBytes.addingSaturated(try scanner.skip().count)
            case .code: try countOutput(&scanner)
            }
        }
    }

    /// Whether the prompt was blocked: then there are no candidates, and this is the whole answer.
    private func readFeedback(_ scanner: inout JSONScanner) throws(JSONError) -> Bool {
        var isBlocked = false
        var members = try scanner.beginObject()
        while try scanner.next(&members, in: Self.feedbackFields) != nil {
            isBlocked = try scanner.kind() != .null
            try scanner.skip()
        }
        return isBlocked
    }

    /// A count that is zero is left out, as proto3 JSON does.
    private mutating func readUsage(_ scanner: inout JSONScanner) throws(JSONError) {
        var usage = StatedUsage()
        (usage.input, usage.output) = (0, 0)
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: Self.usageFields) {
            let count = try usage.count(&scanner)
            switch field {
            case .promptTokenCount: usage.input = count
            case .cachedContentTokenCount: usage.cacheRead = count
            case .candidatesTokenCount: usage.output = count
            case .thoughtsTokenCount: usage.reasoning = count
            case .toolUsePromptTokenCount: usage.toolInput = count
            }
        }
        stated.merge(usage)
    }
}
