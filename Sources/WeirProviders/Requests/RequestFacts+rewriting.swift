import WeirCore

extension RequestFacts {
    /// The gateway asks for usage in a chat stream whose client did not: the extra chunk must be hidden again, by a
    /// ``UsageChunkFilter``.
    package var needsUsage: Bool { endpoint == .chatCompletions && isStreaming && !includesUsage }

    /// The body to forward: byte for byte the client's, except that usage is asked for where ``needsUsage``, that
    /// `model` replaces the client's choice if given, and that no bound of output is above `maxOutputTokens` if given.
    /// Nil: forward the body as it is.
    /// - Parameter body: the bytes these facts were read from.
    package func rewritten(_ body: [UInt8], model replacement: String? = nil, maxOutputTokens: Int? = nil) -> [UInt8]? {
        var splices = maxOutputTokens.map(boundSplices) ?? []
        if needsUsage { splices.append(usageSplice) }
        // A model that the path names is replaced there.
        if let replacement, replacement != model, !modelRange.isEmpty {
            var writer = JSONWriter(capacity: replacement.utf8.count + 2)
            writer.string(replacement)
            splices.append(Splice(range: modelRange, bytes: writer.bytes))
        }
        guard !splices.isEmpty, body.count == bodyBytes else { return nil }
        splices.sort { $0.range.lowerBound < $1.range.lowerBound }
        var result: [UInt8] = []
        result.reserveCapacity(body.count + splices.reduce(0) { $0 + $1.bytes.count })
        var position = 0
        for splice in splices {
            result += body[position..<splice.range.lowerBound]
            result += splice.bytes
            position = splice.range.upperBound
        }
        result += body[position...]
        return result
    }

    private struct Splice {
        let range: Range<Int>
        let bytes: [UInt8]
    }

    /// The bounds above `most` are lowered to it; where there is none, one is added.
    private func boundSplices(_ most: Int) -> [Splice] {
        let text = Array(String(most).utf8)
        let lowered = outputBounds.filter { ($0.value ?? .max) > most }.map { Splice(range: $0.range, bytes: text) }
        if !outputBounds.isEmpty { return lowered }
        if endpoint == .generateContent {
            return [splice(#""maxOutputTokens":"#, text, into: generationConfig, named: "generationConfig")]
        }
        let name =
            switch endpoint {
            case .responses: "max_output_tokens"
            // Chat models that reason take no `max_tokens`.
            case .chatCompletions: "max_completion_tokens"
            default: "max_tokens"
            }
        return [
            Splice(range: firstMember..<firstMember, bytes: Array(#""\#(name)":"#.utf8) + text + [UInt8(ascii: ",")])
        ]
    }

    private var usageSplice: Splice {
        let yes = Array("true".utf8)
        return switch streamOptions {
        case .without(let object): splice(#""include_usage":"#, yes, into: object, named: "stream_options")
        case .includeUsage(let range): Splice(range: range, bytes: yes)
        }
    }

    /// Adds a member (`key`: in quotes, with its colon) to an object of the body's, which is made if there is none.
    private func splice(_ key: String, _ value: [UInt8], into object: NestedObject, named name: String) -> Splice {
        let member = Array(key.utf8) + value
        let whole = [UInt8(ascii: "{")] + member + [UInt8(ascii: "}")]
        func added(_ member: [UInt8], at place: Int, alone: Bool) -> Splice {
            Splice(range: place..<place, bytes: alone ? member : member + [UInt8(ascii: ",")])
        }
        return switch object {
        case .absent: added(Array(#""\#(name)":"#.utf8) + whole, at: firstMember, alone: isEmpty)
        case .null(let range): Splice(range: range, bytes: whole)
        case .object(let first, let isEmpty): added(member, at: first, alone: isEmpty)
        }
    }
}
