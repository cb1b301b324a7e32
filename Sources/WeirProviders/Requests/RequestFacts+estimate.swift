import WeirCore

extension RequestFacts {
    /// Hidden text that providers put around a request: roles, separators, the instructions for tools (Anthropic
    /// states at most about 700 tokens for any tool choice) and for each tool with a description of their own. Our
    /// own upper bounds, in tokens.
    static let hiddenTokens = 512
    static let hiddenToolTokens = 1_500
    /// What an image and a document count in all likelihood; only for what is charged if a node dies at once.
    static let likelyImageTokens = 1_600
    static let likelyDocumentTokens = 4_000

    /// What the call may cost at most, and what it costs at least in all likelihood.
    ///
    /// Input: a token stands for at least one byte, so the body's text has at most as many tokens as bytes; images
    /// count at the model's bound, and no input exceeds the context window. The window itself is the bound where the
    /// body cannot say (documents, input that lies with the provider, tools that the provider runs). Output: the
    /// caller's bound or the model's ceiling, the lesser, for each answer asked for. The money assumes the dearest
    /// kind of input that this request can cause.
    ///
    /// Outside of this bound: fees per search or session, and input that is counted again in each turn of a tool that
    /// the provider runs.
    package func estimate(with model: ModelPrice) -> Estimate {
        let input = inputBound(with: model)
        let output = outputBound(with: model)
        func dearest(output: Int) -> MicroUSD {
            var cost = model.price.costAtMost(of: TokenUsage(input: input, output: output))
            let (short, long) = cachedKinds
            if short { cost = max(cost, model.price.costAtMost(of: TokenUsage(cacheWrite5m: input, output: output))) }
            if long { cost = max(cost, model.price.costAtMost(of: TokenUsage(cacheWrite1h: input, output: output))) }
            return cost
        }
        let likely = likelyInput.clamped(to: input)
        let observed = TokenUsage(input: likely)
        return Estimate(
            tokens: input.addingSaturated(output), cost: dearest(output: output), inputTokens: input,
            inputCost: dearest(output: 0), observed: observed, observedCost: model.price.cost(of: observed))
    }

    /// The estimate if the caller had set no higher bound of output than this.
    func estimate(with model: ModelPrice, maxOutputTokens: Int) -> Estimate {
        var facts = self
        facts.maxOutputTokens = min(facts.maxOutputTokens ?? .max, maxOutputTokens)
        return facts.estimate(with: model)
    }

    /// What the call costs at most with the shortest answer worth having; nil: it has no output to shorten.
    package func leastEstimate(with model: ModelPrice) -> Estimate? {
        guard outputBound(with: model) > 0 else { return nil }
        return estimate(with: model, maxOutputTokens: leastOutputTokens)
    }

    /// OpenAI's Responses refuses a lower `max_output_tokens`, Anthropic one that the budget for thinking fills.
    private var leastOutputTokens: Int {
        switch endpoint {
        case .responses: 16
        case .messages: thinkingTokens.addingSaturated(1)
        default: 1
        }
    }

    /// The highest bound of output with which the call stays within `tokens` and `cost`. Found by halving: the estimate
    /// itself says what fits, so what is promised and what is reserved cannot differ.
    ///
    /// - Returns: at least what ``leastEstimate(with:)`` assumes.
    package func outputBound(within tokens: Int?, _ cost: MicroUSD?, with model: ModelPrice) -> Int {
        var fits = leastOutputTokens
        var tooMuch = min(maxOutputTokens ?? model.maxOutputTokens, model.maxOutputTokens).addingSaturated(1)
        while tooMuch - fits > 1 {
            let middle = fits + (tooMuch - fits) / 2
            let estimate = estimate(with: model, maxOutputTokens: middle)
            if estimate.tokens <= tokens ?? .max, estimate.cost.micros <= cost?.micros ?? .max {
                fits = middle
            } else {
                tooMuch = middle
            }
        }
        return fits
    }

    /// At most this many tokens of input, of all kinds.
    func inputBound(with model: ModelPrice) -> Int {
        if let statedInputTokens { return min(statedInputTokens, model.contextWindow) }
        if documents > 0 || hasRemoteInput || usesServerTools { return model.contextWindow }
        let bound = textBytes.addingSaturated(images.multipliedSaturated(by: model.maxImageTokens))
            .addingSaturated(Self.hiddenTokens).addingSaturated(tools > 0 ? Self.hiddenToolTokens : 0)
            .addingSaturated(builtInTools.multipliedSaturated(by: Self.hiddenToolTokens))
        // The window of an embedding model is that of one of its many inputs.
        return endpoint == .embeddings ? bound : min(bound, model.contextWindow)
    }

    /// At most this many tokens of output, over all answers.
    func outputBound(with model: ModelPrice) -> Int {
        guard endpoint != .embeddings, endpoint.spends else { return 0 }
        return min(maxOutputTokens ?? model.maxOutputTokens, model.maxOutputTokens)
            .addingSaturated(predictionBytes).multipliedSaturated(by: choices)
    }

    private var likelyInput: Int {
        (textBytes / 4).addingSaturated(images.multipliedSaturated(by: Self.likelyImageTokens))
            .addingSaturated(documents.multipliedSaturated(by: Self.likelyDocumentTokens))
    }

    /// Whether input may be billed as written to a cache, for five minutes and for an hour. OpenAI caches by itself,
    /// Anthropic only when asked to. Gemini bills no writes.
    private var cachedKinds: (short: Bool, long: Bool) {
        switch endpoint {
        case .messages, .countTokens: (usesCache, usesCache)
        case .generateContent, .countContentTokens: (false, false)
        case .chatCompletions, .responses, .embeddings, .models: (true, false)
        }
    }
}

extension Int {
    fileprivate func clamped(to bound: Int) -> Int { Swift.min(self, bound) }
}
