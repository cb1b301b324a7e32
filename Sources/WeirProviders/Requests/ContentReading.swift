import WeirCore

/// Finds images, documents, cache marks and tools in what a request says to the model.
///
/// Only where the provider itself looks for them: what lies inside a tool's schema, arguments or result is text to
/// the model, however much it looks like an image, and counts as text.
enum ContentReading {
    private enum Field: String, CaseIterable, Sendable {
        case type, content, output, source, file, data, url
        case imageURL = "image_url"
        case fileData = "file_data"
        case cacheControl = "cache_control"
    }

    private enum Kind: String, CaseIterable, Sendable {
        case image, document, file, base64, text, content
        case imageURL = "image_url"
        case inputImage = "input_image"
        case inputFile = "input_file"
        case containerUpload = "container_upload"
        case itemReference = "item_reference"
    }

    private enum ToolField: String, CaseIterable, Sendable { case type, cacheControl = "cache_control" }
    private enum ToolKind: String, CaseIterable, Sendable {
        case custom, function
        case imageGeneration = "image_generation"
    }

    private static let fields = JSONFields(Field.self)
    private static let kinds = JSONFields(Kind.self)
    private static let toolFields = JSONFields(ToolField.self)
    private static let toolKinds = JSONFields(ToolKind.self)

    /// A string, a block, or an array of them: `messages`, `system`, `input`, `content`.
    static func read(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        switch try scanner.kind() {
        case .array:
            var elements = try scanner.beginArray()
            while try scanner.next(&elements) { try read(&scanner, into: &facts) }
        case .object: try readBlock(&scanner, into: &facts)
        default: try scanner.skip()
        }
    }

    /// A message, or a part of one.
    private static func readBlock(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        var kind: Kind?
        var payload = 0
        var isText = false
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: fields) {
            switch field {
            case .type: kind = try readKind(&scanner)
            case .content, .output: try read(&scanner, into: &facts)
            case .source, .file, .imageURL:
                let source = try readSource(&scanner, into: &facts)
                payload += source.payload
                isText = isText || source.isText
            case .fileData: payload += try payloadBytes(&scanner, isData: true)
            case .cacheControl:
                if try !scanner.takeNull() {
                    try scanner.skip()
                    facts.usesCache = true
                }
            case .data, .url: try scanner.skip()
            }
        }
        switch kind {
        case .image, .imageURL, .inputImage:
            facts.images += 1
            facts.imageBytes += payload
        case .document where isText: break
        case .document, .file, .inputFile, .containerUpload:
            facts.documents += 1
            facts.documentBytes += payload
        case .itemReference: facts.hasRemoteInput = true
        case .base64, .text, .content, nil: break
        }
    }

    /// The bytes of encoded data in `source`, `file` or `image_url`: an object, or a URL itself. Whether it says all
    /// that it is in plain text or blocks.
    private static func readSource(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError)
        -> (payload: Int, isText: Bool)
    {
        guard try scanner.kind() == .object else { return (try payloadBytes(&scanner, isData: false), false) }
        var kind: Kind?
        var data = 0
        var other = 0
        var members = try scanner.beginObject()
        while let field = try scanner.next(&members, in: fields) {
            switch field {
            case .type: kind = try readKind(&scanner)
            case .data: data += try payloadBytes(&scanner, isData: true)
            case .url: other += try payloadBytes(&scanner, isData: false)
            case .fileData: other += try payloadBytes(&scanner, isData: true)
            // A document may consist of blocks.
            case .content: try read(&scanner, into: &facts)
            default: try scanner.skip()
            }
        }
        return (other + (kind == .base64 ? data : 0), kind == .text || kind == .content)
    }

    /// The length of a string that is data, or of a `data:` URL; 0 for any other URL or value.
    private static func payloadBytes(_ scanner: inout JSONScanner, isData: Bool) throws(JSONError) -> Int {
        guard try scanner.kind() == .string else {
            try scanner.skip()
            return 0
        }
        let range = try scanner.rawString()
        return isData || scanner.hasPrefix("data:", at: range.lowerBound) ? range.count : 0
    }

    private static func readKind(_ scanner: inout JSONScanner) throws(JSONError) -> Kind? {
        guard try scanner.kind() == .string else {
            try scanner.skip()
            return nil
        }
        return try scanner.knownString(in: kinds)
    }

    /// Kinds of tools that Anthropic describes and the client runs; versions end in a date.
    private static let clientRun: [StaticString] = ["bash_", "text_editor_", "computer_", "memory_"]

    private static func readToolKind(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        let first = scanner.offset + 1
        switch try scanner.knownString(in: toolKinds) {
        case .custom, .function: return
        // Another model makes the images, at its own price, and its tokens are not in the answer's usage.
        case .imageGeneration: facts.unpricedOption = "image_generation"
        case nil: break
        }
        if facts.endpoint == .messages, clientRun.contains(where: { scanner.hasPrefix($0, at: first) }) {
            facts.builtInTools += 1
        } else {
            facts.usesServerTools = true
        }
    }

    static func readTools(_ scanner: inout JSONScanner, into facts: inout RequestFacts) throws(JSONError) {
        guard try scanner.kind() == .array else {
            try scanner.skip()
            return
        }
        var elements = try scanner.beginArray()
        while try scanner.next(&elements) {
            facts.tools += 1
            guard try scanner.kind() == .object else {
                try scanner.skip()
                continue
            }
            var members = try scanner.beginObject()
            while let field = try scanner.next(&members, in: toolFields) {
                switch field {
                case .cacheControl:
                    if try !scanner.takeNull() {
                        try scanner.skip()
                        facts.usesCache = true
                    }
                case .type:
                    if try scanner.kind() == .string {
                        try readToolKind(&scanner, into: &facts)
                    } else {
                        try scanner.skip()
                    }
                }
            }
        }
    }
}
