import WeirCore

/// Finds images, documents and tools in what a Gemini request says to the model.
/// Source: https://ai.google.dev/api/caching#Part
enum GeminiContentReading {
    private enum ContentField: String, CaseIterable { case parts }
    private enum PartField: String, CaseIterable { case inlineData, fileData, functionResponse }
    private enum DataField: String, CaseIterable { case mimeType, data }

    private static let contentFields = ProtoFields(ContentField.self)
    private static let partFields = ProtoFields(PartField.self)
    private static let dataFields = ProtoFields(DataField.self)

    /// A `Content`, or an array of them.
    static func read(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        switch try scanner.kind() {
        case .array:
            var elements = try scanner.beginArray()
            while try scanner.next(&elements) { try read(&scanner, into: &facts) }
        case .object: try readParts(&scanner, into: &facts)
        default: try scanner.skip()
        }
    }

    /// The `parts` of a content, or of a function's response: an array, or a single one.
    private static func readParts(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        var members = try contentFields.begin(&scanner)
        while try contentFields.next(&members, in: &scanner) != nil {
            switch try scanner.kind() {
            case .array:
                var elements = try scanner.beginArray()
                while try scanner.next(&elements) {
                    if try scanner.kind() == .object {
                        try readPart(&scanner, into: &facts)
                    } else {
                        try scanner.skip()
                    }
                }
            case .object: try readPart(&scanner, into: &facts)
            default: try scanner.skip()
            }
        }
    }

    private static func readPart(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        var members = try partFields.begin(&scanner)
        while let field = try partFields.next(&members, in: &scanner) {
            guard try scanner.kind() == .object else {
                try scanner.skip()
                continue
            }
            switch field {
            case .inlineData, .fileData: try readData(&scanner, into: &facts)
            case .functionResponse: try readParts(&scanner, into: &facts)
            }
        }
    }

    /// A `Blob` or `FileData`. What is neither an image nor text counts as a document, whose tokens the body does not
    /// show; what is or may be sound has a price of its own.
    private static func readData(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        var type: String?
        var payload = 0
        var members = try dataFields.begin(&scanner)
        while let field = try dataFields.next(&members, in: &scanner) {
            guard try scanner.kind() == .string else {
                try scanner.skip()
                continue
            }
            switch field {
            case .mimeType: type = try scanner.string().lowercased()
            case .data: payload = try scanner.rawString().count
            }
        }
        guard let type else {
            (facts.documents, facts.documentBytes) = (facts.documents + 1, facts.documentBytes + payload)
            facts.unpricedOption = "input of no stated type"
            return
        }
        if type.hasPrefix("image/") {
            (facts.images, facts.imageBytes) = (facts.images + 1, facts.imageBytes + payload)
            return
        }
        (facts.documents, facts.documentBytes) = (facts.documents + 1, facts.documentBytes + payload)
        if !type.hasPrefix("text/"), !type.hasPrefix("application/") {
            facts.unpricedOption = "audio or video input"
        }
    }

    /// Functions are run by the client; everything else (`googleSearch`, `codeExecution`, `urlContext`, …) by the
    /// provider, and its results become input.
    static func readTools(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        guard try scanner.kind() == .array else {
            if try scanner.takeNull() { return }
            throw scanner.wrongType("tools", "an array")
        }
        var elements = try scanner.beginArray()
        while try scanner.next(&elements) {
            facts.tools += 1
            guard try scanner.kind() == .object else {
                try scanner.skip()
                continue
            }
            var members = try scanner.beginObject()
            while let key = try scanner.nextKey(&members) {
                try scanner.skip()
                if key != "functionDeclarations", key != "function_declarations" { facts.usesServerTools = true }
            }
        }
    }
}
