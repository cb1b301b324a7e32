/// Everything about one answer, decided before its first byte: a pure function of the request and the instructions.
struct CallPlan: Sendable, Equatable {
    var endpoint: Endpoint
    var model: String
    var isStream: Bool
    var choices: Int
    /// Whether a stream is one JSON array instead of events (Gemini without `alt=sse`).
    var isArray = false
    /// Whether a chat stream ends with a chunk of usage.
    var includesUsage: Bool
    var inputs: Int
    var wantsBase64: Bool
    /// What the whole answer costs.
    var usage: SimulatedUsage
    var report: Instructions.UsageReport
    /// Whether `max_tokens` ended the answer.
    var isCut: Bool
    var maxTokens: Int?
    var tool: String?
    /// Events of text in a stream. Each choice has one in each.
    var chunks: Int
    /// Tokens that one choice spells out; all choices together are bounded by ``SampleText/tokenBound``.
    var textTokens: Int
    /// Assigned by the log.
    var id = 0
    /// Unix seconds.
    var created = 0

    /// - Parameter bodyBytes: sets the input when the instructions do not: a token for each four bytes.
    /// - Throws: what the provider would refuse, in words.
    init(
        endpoint: Endpoint, request: CallRequest, bodyBytes: Int, instructions: Instructions
    ) throws(CallRequest.Fault) {
        guard let model = request.model, !model.isEmpty else {
            throw CallRequest.Fault(message: "model: Field required", parameter: "model")
        }
        self.endpoint = endpoint
        self.model = model
        maxTokens = try Self.maxTokens(endpoint, request)
        isStream = request.isStream && endpoint.canStream
        choices = endpoint == .chatCompletions || endpoint == .generateContent ? request.choices : 1
        includesUsage = request.includesUsage
        inputs = request.inputs ?? 1
        wantsBase64 = request.wantsBase64
        report = instructions.usage
        tool = instructions.tool
        let hasOutput = endpoint.canStream
        let output = hasOutput ? min(instructions.output, maxTokens ?? .max) : 0
        isCut = hasOutput && output < instructions.output
        let reasoning = min(instructions.reasoning, output)
        usage = SimulatedUsage(
            freshInput: instructions.input ?? max(1, bodyBytes / 4), cacheRead: instructions.cacheRead,
            cacheWrite5m: instructions.cacheWrite5m, cacheWrite1h: instructions.cacheWrite1h,
            output: output * choices, reasoning: reasoning * choices)
        textTokens = min(output - reasoning, SampleText.tokenBound / choices)
        chunks = instructions.chunks ?? max(1, min(textTokens, 10))
        try refuseKindsUnknownToProvider()
    }

    private static func maxTokens(_ endpoint: Endpoint, _ request: CallRequest) throws(CallRequest.Fault) -> Int? {
        switch endpoint {
        case .messages, .countTokens:
            guard request.hasMessages else {
                throw CallRequest.Fault(message: "messages: Field required", parameter: "messages")
            }
            guard endpoint == .countTokens || request.maxTokens != nil else {
                throw CallRequest.Fault(message: "max_tokens: Field required", parameter: "max_tokens")
            }
            return request.maxTokens
        case .chatCompletions:
            guard request.hasMessages else {
                throw CallRequest.Fault(message: "Missing required parameter: 'messages'.", parameter: "messages")
            }
            guard request.maxTokens == nil || request.maxCompletionTokens == nil else {
                throw CallRequest.Fault(
                    message: "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                    parameter: "max_tokens")
            }
            guard request.isStream || !request.hasStreamOptions else {
                throw CallRequest.Fault(
                    message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                    parameter: "stream_options")
            }
            return request.maxCompletionTokens ?? request.maxTokens
        case .generateContent, .countContentTokens:
            guard request.hasMessages else {
                throw CallRequest.Fault(
                    message: "* GenerateContentRequest.contents: contents is not specified", parameter: "contents")
            }
            return request.maxOutputTokens
        case .responses: return request.maxOutputTokens
        case .embeddings:
            guard let inputs = request.inputs, inputs > 0 else {
                throw CallRequest.Fault(message: "Missing required parameter: 'input'.", parameter: "input")
            }
            guard inputs <= 2048 else {
                throw CallRequest.Fault(message: "input: at most 2048 texts.", parameter: "input")
            }
            return nil
        case .models, .unknown: return nil
        }
    }

    /// A kind of token that the provider cannot report would be in the log and in no answer.
    private func refuseKindsUnknownToProvider() throws(CallRequest.Fault) {
        guard endpoint.dialect == .anthropic || usage.cacheWrite5m + usage.cacheWrite1h == 0 else {
            throw CallRequest.Fault(
                message: "x-simulate: only Anthropic reports cache writes of 5 minutes or an hour", parameter: nil)
        }
    }

    /// The tokens of one choice's text in the stream's chunk `index`, counted from 0.
    func textRange(ofChunk index: Int) -> Range<Int> {
        textTokens * index / chunks..<textTokens * (index + 1) / chunks
    }

    /// What a provider bills for a stream that ends after `count` chunks. Reasoning comes before the first of them.
    func billed(afterChunks count: Int) -> SimulatedUsage {
        guard report != .zero else { return SimulatedUsage() }
        var billed = usage
        billed.output = usage.reasoning + (usage.output - usage.reasoning) * min(count, chunks) / chunks
        return billed
    }

    /// What the whole answer is billed as.
    var billed: SimulatedUsage { billed(afterChunks: chunks) }

    /// The reports of usage that the answer carries, in order. A plain answer carries the first.
    var reports: [SimulatedUsage] {
        switch report {
        case .exact: [usage]
        case .none: []
        case .zero: [SimulatedUsage()]
        case .twice: [usage, usage]
        case .decreasing: [usage, usage.mapped { $0 / 2 }]
        case .negative: [usage.mapped { -1 - $0 }]
        case .huge: [usage.mapped { $0 + 1 << 53 }]
        }
    }
}

extension SimulatedUsage {
    fileprivate func mapped(_ transform: (Int) -> Int) -> SimulatedUsage {
        SimulatedUsage(
            freshInput: transform(freshInput), cacheRead: transform(cacheRead), cacheWrite5m: transform(cacheWrite5m),
            cacheWrite1h: transform(cacheWrite1h), output: transform(output), reasoning: transform(reasoning))
    }
}
