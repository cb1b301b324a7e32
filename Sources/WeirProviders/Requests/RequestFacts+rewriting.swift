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
        switch streamOptions {
        // The body is never empty here: it holds a model.
        case .absent:
            Splice(
                range: firstMember..<firstMember, bytes: Array(#""stream_options":{"include_usage":true},"#.utf8))
        case .null(let range): Splice(range: range, bytes: Array(#"{"include_usage":true}"#.utf8))
        case .object(let first, let isEmpty):
            Splice(range: first..<first, bytes: Array((#""include_usage":true"# + (isEmpty ? "" : ",")).utf8))
        case .includeUsage(let range): Splice(range: range, bytes: Array("true".utf8))
        }
    }
}
