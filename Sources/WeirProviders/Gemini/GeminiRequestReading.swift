import WeirCore

/// Reads the body of `generateContent`: what bounds the call, what it asks of the provider, and what lies in it.
///
/// Strict as ``RequestReading`` is. Google's parser also takes integers in quotes; here they are refused, so that there
/// is one way to write a bound.
/// Source: https://ai.google.dev/api/generate-content
struct GeminiRequestReading {
    private enum Field: String, CaseIterable {
        case model, contents, systemInstruction, tools, generationConfig, cachedContent, serviceTier
    }
    private enum ConfigField: String, CaseIterable { case candidateCount, maxOutputTokens, responseModalities }
    private enum Modality: String, CaseIterable, Sendable { case text = "TEXT" }

    private static let fields = ProtoFields(Field.self)
    private static let configFields = ProtoFields(ConfigField.self)
    private static let textModality = JSONFields(Modality.self)

    private var facts: RequestFacts

    /// - Parameter model: as the path names it.
    init(endpoint: Endpoint, model: String) {
        facts = RequestFacts(endpoint: endpoint)
        facts.model = model
    }

    mutating func read(_ body: UnsafeRawBufferPointer) throws(JSONError) -> RequestFacts {
        var scanner = JSONScanner(body)
        guard try scanner.kind() == .object else {
            throw JSONError(.unexpected(wanted: "an object"), at: scanner.offset)
        }
        var members = try Self.fields.begin(&scanner)
        facts.firstMember = scanner.offset
        while let field = try Self.fields.next(&members, in: &scanner) { try read(field, from: &scanner) }
        facts.isEmpty = members.isEmpty
        try scanner.finish()
        facts.bodyBytes = body.count
        return facts
    }

    private mutating func read(_ field: Field, from scanner: inout JSONScanner) throws(JSONError) {
        switch field {
        case .model: try checkModel(&scanner)
        case .contents, .systemInstruction: try GeminiContentReading.read(&scanner, into: &facts)
        case .tools: try GeminiContentReading.readTools(&scanner, into: &facts)
        case .generationConfig:
            switch try scanner.kind() {
            case .object: try readConfig(&scanner)
            case .null: facts.generationConfig = .null(try scanner.skip())
            default: throw scanner.wrongType("generationConfig", "an object")
            }
        case .cachedContent:
            if try !scanner.takeNull() {
                try scanner.skip()
                facts.hasRemoteInput = true
            }
        case .serviceTier:
            if try !RequestReading.isStandard("serviceTier", &scanner) { facts.unpricedOption = "serviceTier" }
        }
    }

    /// Two models in one request: which one is billed would be the provider's choice.
    private func checkModel(_ scanner: inout JSONScanner) throws(JSONError) {
        if try scanner.takeNull() { return }
        let start = scanner.offset
        guard try scanner.kind() == .string else { throw scanner.wrongType("model", "a string") }
        let name = try scanner.string()
        guard name == facts.model || name == "models/" + facts.model else {
            throw JSONError(.badValue(name: "model", why: "must be the model that the path names"), at: start)
        }
    }

    private mutating func readConfig(_ scanner: inout JSONScanner) throws(JSONError) {
        var members = try Self.configFields.begin(&scanner)
        let firstMember = scanner.offset
        while let field = try Self.configFields.next(&members, in: &scanner) {
            switch field {
            case .candidateCount:
                let count = try scanner.count("candidateCount", in: 0...RequestReading.mostChoices) ?? 1
                facts.choices = max(count, 1)
            // Zero is how a number that is not set looks in a proto.
            case .maxOutputTokens:
                _ = try scanner.kind()
                let start = scanner.offset
                let stated = try scanner.count("maxOutputTokens", in: 0...Int.largestExact) ?? 0
                facts.maxOutputTokens = stated > 0 ? stated : nil
                facts.outputBounds.append(.init(range: start..<scanner.offset, value: facts.maxOutputTokens))
            case .responseModalities: try readModalities(&scanner)
            }
        }
        facts.generationConfig = .object(firstMember: firstMember, isEmpty: members.isEmpty)
    }

    /// Images and speech are billed at rates of their own. (An enum may also be written as a number.)
    private mutating func readModalities(_ scanner: inout JSONScanner) throws(JSONError) {
        if try scanner.takeNull() { return }
        guard try scanner.kind() == .array else { throw scanner.wrongType("responseModalities", "an array") }
        var elements = try scanner.beginArray()
        while try scanner.next(&elements) {
            if try scanner.kind() == .string {
                if try scanner.knownString(in: Self.textModality) != nil { continue }
            } else {
                try scanner.skip()
            }
            facts.unpricedOption = "responseModalities"
        }
    }
}
