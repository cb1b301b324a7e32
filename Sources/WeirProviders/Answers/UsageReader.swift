import WeirCore

/// Watches an answer pass by and says what it used: fed the body as it arrives, in any split, changing nothing.
package struct UsageReader: Sendable {
    /// A plain body is kept until its end, up to this many bytes; beyond, usage is estimated from its length.
    package static let bodyLimit = 32 << 20

    private let endpoint: Endpoint
    private var source: Source
    private var observation = Observation()

    private enum Source: Sendable {
        case body
        case events
        /// JSON objects one after the other: Gemini's plain answers, and its streams without events.
        case elements
    }

    private var body: [UInt8] = []
    private var bodyBytes = 0
    private var parser = SSEParser()
    private var repeated = RepeatedEvent()
    private var elements = JSONElementParser()

    /// - Parameter isEventStream: the answer's content type is `text/event-stream`.
    package init(endpoint: Endpoint, isEventStream: Bool) {
        self.endpoint = endpoint
        source = isEventStream ? .events : endpoint == .generateContent ? .elements : .body
    }

    package mutating func read(_ bytes: UnsafeRawBufferPointer) {
        switch source {
        case .body:
            bodyBytes += bytes.count
            if bodyBytes <= Self.bodyLimit { body.append(contentsOf: bytes) } else { body = [] }
        case .events: readEvents(bytes)
        case .elements:
            bodyBytes = bodyBytes.addingSaturated(bytes.count)
            var position = 0
            while elements.next(bytes, from: &position) { readElement() }
        }
    }

    package mutating func read(_ bytes: [UInt8]) { bytes.withUnsafeBytes { read($0) } }

    /// The answer's body has ended as it should.
    package mutating func finish() {
        if case .elements = source { return finishElements() }
        guard case .body = source else { return }
        guard bodyBytes <= Self.bodyLimit else {
            observation.isComplete = true
            observation.outputBytes = bodyBytes
            observation.note(doubt: "the answer is longer than \(Self.bodyLimit) bytes")
            return
        }
        let body = self.body
        self.body = []
        body.withUnsafeBytes { bytes in
            do throws(JSONError) {
                var scanner = JSONScanner(bytes)
                try observation.readBody(&scanner, endpoint: endpoint)
                try scanner.finish()
                observation.isComplete = true
            } catch {
                observation.outputBytes = max(observation.outputBytes, bytes.count)
                observation.note(doubt: "the answer is not JSON: \(error)")
            }
        }
    }

    private mutating func finishElements() {
        // Its end says less than a finish reason does, but nothing more will come.
        observation.isComplete = true
        if observation.stated.isEmpty, observation.outputBytes == 0 || !elements.isBetweenElements {
            observation.outputBytes = max(observation.outputBytes, bodyBytes)
            observation.note(doubt: "the answer is not JSON with usage")
        }
    }

    private mutating func readElement() {
        guard !elements.isTruncated else {
            return observation.note(doubt: "the answer is longer than \(JSONElementParser.limit) bytes")
        }
        elements.element.withUnsafeBytes { bytes in
            do throws(JSONError) {
                var scanner = JSONScanner(bytes)
                try observation.readGeminiAnswer(&scanner)
                try scanner.finish()
            } catch {
                observation.note(doubt: "the answer is not JSON: \(error)")
            }
        }
    }

    private mutating func readEvents(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count {
            let isBetweenEvents = parser.isBetweenEvents
            if isBetweenEvents, let (end, output) = repeated.match(bytes, at: position) {
                observation.outputBytes = observation.outputBytes.addingSaturated(output)
                position = end
                continue
            }
            let start = position
            guard parser.next(bytes, from: &position) else { return }
            if isBetweenEvents, repeated.isWanted {
                let before = observation
                readEvent()
                let event = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
                if let text = observation.onlyText(since: before) {
                    repeated.remember(event, data: parser.data, text: text)
                } else {
                    repeated.forget()
                }
            } else {
                readEvent()
                // What it changed may change what the one before would say.
                repeated.forget()
            }
        }
    }

    private mutating func readEvent() {
        if parser.isTruncated {
            observation.note(doubt: "an event is longer than \(SSEParser.limit) bytes")
            return
        }
        parser.data.withUnsafeBytes { bytes in
            if bytes.count == 6, bytes.elementsEqual("[DONE]".utf8) {
                observation.isComplete = true
                // Some services state usage beside the last text instead of in a chunk of its own.
                observation.isUsageFinal = observation.isUsageFinal || observation.stated.output != nil
                return
            }
            do throws(JSONError) {
                var scanner = JSONScanner(bytes)
                try observation.readEvent(&scanner, endpoint: endpoint)
                try scanner.finish()
            } catch {
                observation.note(doubt: "an event is not JSON: \(error)")
            }
        }
    }

    // MARK: What was seen

    /// The provider's own word so far; nil: it has said nothing.
    package var usage: TokenUsage? {
        guard !observation.stated.isEmpty else { return nil }
        return switch dialect {
        case .anthropic: observation.stated.anthropic
        case .openAI: observation.stated.openAI
        case .gemini: observation.stated.gemini
        }
    }

    private var dialect: Dialect { endpoint.dialect() }

    /// Output tokens so far, estimated from the text seen: a quarter of its bytes, rounded up.
    package var observedOutput: Int {
        let bytes = observation.outputBytes
        return bytes / 4 + (bytes % 4 == 0 ? 0 : 1)
    }

    /// The model that answered, in the provider's words.
    package var model: String? { observation.model }
    /// The first tool the model called.
    package var firstTool: String? { observation.firstTool }
    /// The end of the answer was seen: its last event, or the end of its body.
    package var isComplete: Bool { observation.isComplete }
    /// The error that the provider reported inside the answer.
    package var providerError: String? { observation.providerError }

    /// What to charge now, and why it is not the provider's own word (nil: it is).
    ///
    /// The provider's final statement stands as it is, zeros included. Without one, its greatest statement so far and
    /// the estimate from the text, the greater of both, and `input` where no input was stated.
    package func charge(assumingInput input: TokenUsage) -> (usage: TokenUsage, estimated: String?) {
        guard var charged = usage else {
            var assumed = input
            assumed.output = observedOutput
            return (assumed, observation.doubt ?? "the provider stated no usage")
        }
        var reason = observation.stated.hasBadValue ? "the provider stated a count that is none" : nil
        if observation.stated.input == nil {
            charged.input = input.input
            reason = reason ?? "the provider stated no input"
        } else if dialect != .anthropic, observation.stated.contradictsItself {
            reason = reason ?? "the provider stated more cached input than input"
        }
        if !observation.isUsageFinal {
            charged.output = max(charged.output, observedOutput)
            reason = reason ?? observation.doubt ?? "the provider did not state the final usage"
        }
        return (charged, reason)
    }
}

extension Observation {
    fileprivate mutating func readBody(_ scanner: inout JSONScanner, endpoint: Endpoint) throws(JSONError) {
        switch endpoint {
        case .messages, .countTokens: try readAnthropicBody(&scanner)
        case .chatCompletions, .responses, .embeddings, .models: try readOpenAIBody(&scanner, endpoint)
        case .generateContent, .countContentTokens: try readGeminiAnswer(&scanner)
        }
    }

    fileprivate mutating func readEvent(_ scanner: inout JSONScanner, endpoint: Endpoint) throws(JSONError) {
        switch endpoint {
        case .messages, .countTokens: try readAnthropicEvent(&scanner)
        case .chatCompletions, .responses, .embeddings, .models: try readOpenAIEvent(&scanner)
        case .generateContent, .countContentTokens: try readGeminiAnswer(&scanner)
        }
    }
}
