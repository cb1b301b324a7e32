import Testing
import WeirCore
import WeirProviders

@Suite struct EstimateTests {
    private let table: PriceTable

    init() throws { table = try PriceTable.shipped() }

    private func estimate(_ body: String, _ endpoint: Endpoint, _ name: String) throws -> Estimate {
        let provider = endpoint.dialect().rawValue
        let model = try #require(table.price(provider: provider, model: name))
        return try RequestFacts(Array(body.utf8), endpoint: endpoint).estimate(with: model)
    }

    @Test func `input is bounded by the body's bytes, output by what was asked`() throws {
        let body = #"{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}"#
        let estimate = try estimate(body, .messages, "claude-sonnet-4-5")
        let input = body.utf8.count + 512
        #expect(estimate.tokens == input + 100)
        // 3 and 15 micro-dollars per token
        #expect(estimate.cost.micros == input * 3 + 100 * 15)
        #expect(estimate.observed == TokenUsage(input: body.utf8.count / 4))
    }

    @Test(arguments: [
        // ceiling of claude-sonnet-4-5: 64,000; of gpt-4o: 16,384
        (#"{"model":"m"}"#, Endpoint.messages, "claude-sonnet-4-5", 64_000),
        (#"{"model":"m","max_tokens":999999999}"#, .messages, "claude-sonnet-4-5", 64_000),
        (#"{"model":"m","max_tokens":9007199254740991,"n":128}"#, .chatCompletions, "gpt-4o", 128 * 16_384),
        (#"{"model":"m","max_tokens":10,"n":5}"#, .chatCompletions, "gpt-4o", 50),
        (#"{"model":"m","max_tokens":0}"#, .messages, "claude-sonnet-4-5", 0),
        (#"{"model":"m","max_tokens":7}"#, .embeddings, "text-embedding-3-small", 0),
        // 17 bytes of prediction, which may all be rejected and billed
        (#"{"model":"m","max_tokens":10,"prediction":{"content":"abc"}}"#, .chatCompletions, "gpt-4o", 10 + 17),
    ])
    func `output is bounded by the model's ceiling, times the answers asked for`(
        body: String, endpoint: Endpoint, name: String, output: Int
    ) throws {
        let estimate = try estimate(body, endpoint, name)
        #expect(estimate.tokens == body.utf8.count + 512 + output)
    }

    @Test(arguments: [1, 2, UInt64.random(in: 3...(.max))])
    func `the bound of output that is afforded is the greatest whose estimate fits`(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = Seeded(seed)
        let names: [(Endpoint, String)] = [
            (.messages, "claude-sonnet-4-5"), (.messages, "claude-haiku-4-5"), (.chatCompletions, "gpt-4o"),
            (.responses, "gpt-5.4"),
        ]
        for _ in 0..<200 {
            let (endpoint, name) = names[Int.random(in: 0..<names.count, using: &generator)]
            let provider = endpoint.dialect().rawValue
            let model = try #require(table.price(provider: provider, model: name))
            let n = endpoint == .chatCompletions ? Int.random(in: 1...3, using: &generator) : 1
            let body =
                #"{"model":"m","n":\#(n),"input":"\#(String(repeating: "a", count: .random(in: 0...500, using: &generator)))"}"#
            func estimate(_ bound: Int) throws -> Estimate {
                var facts = try RequestFacts(Array(body.utf8), endpoint: endpoint)
                facts.maxOutputTokens = bound
                return facts.estimate(with: model)
            }
            let facts = try RequestFacts(Array(body.utf8), endpoint: endpoint)
            let (least, most) = (try #require(facts.leastEstimate(with: model)), facts.estimate(with: model))
            let tokens =
                Bool.random(using: &generator) ? Int.random(in: least.tokens...most.tokens, using: &generator) : nil
            let micros =
                tokens == nil || Bool.random(using: &generator)
                ? Int.random(in: least.cost.micros...most.cost.micros, using: &generator) : nil
            let bound = facts.outputBound(within: tokens, micros.map { MicroUSD(micros: $0) }, with: model)
            func fits(_ estimate: Estimate) -> Bool {
                estimate.tokens <= tokens ?? .max && estimate.cost.micros <= micros ?? .max
            }
            #expect(try fits(estimate(bound)), "seed \(seed)")
            #expect(try bound == model.maxOutputTokens || !fits(estimate(bound + 1)), "seed \(seed)")
        }
    }

    @Test func `an answer is never shortened below what its provider takes`() throws {
        let haiku = try #require(table.price(provider: "anthropic", model: "claude-haiku-4-5"))
        for (body, endpoint, least) in [
            (#"{"model":"m","max_tokens":9000}"#, Endpoint.messages, 1),
            (#"{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":2048}}"#, .messages, 2049),
            (#"{"model":"m","max_tokens":9000,"thinking":null}"#, .messages, 1),
            (#"{"model":"m","max_tokens":9000,"thinking":{"budget_tokens":9007199254740991}}"#, .messages, 9000),
            (#"{"model":"m","max_output_tokens":9000}"#, .responses, 16),
            (#"{"model":"m","max_tokens":9000}"#, .chatCompletions, 1),
        ] {
            let facts = try RequestFacts(Array(body.utf8), endpoint: endpoint)
            #expect(facts.leastEstimate(with: haiku)?.tokens == body.utf8.count + 512 + least, "\(body)")
        }
        #expect(throws: RequestError.self) {
            try RequestFacts(Array(#"{"model":"m","thinking":{"budget_tokens":"x"}}"#.utf8), endpoint: .messages)
        }
    }

    @Test func `what has no output cannot be shortened`() throws {
        let model = try #require(table.price(provider: "openai", model: "text-embedding-3-small"))
        #expect(
            try RequestFacts(Array(#"{"model":"m"}"#.utf8), endpoint: .embeddings).leastEstimate(with: model) == nil)
        #expect(
            try RequestFacts(Array(#"{"model":"m","max_tokens":0}"#.utf8), endpoint: .messages)
                .leastEstimate(with: model) == nil)
    }

    @Test func `a cache mark makes the whole input cost what a write for an hour costs`() throws {
        let body = #"{"model":"m","max_tokens":0,"cache_control":{"type":"ephemeral"}}"#
        #expect(try estimate(body, .messages, "claude-sonnet-4-5").cost.micros == (body.utf8.count + 512) * 6)
    }

    @Test func `what the body cannot say is bounded by the window`() throws {
        for part in [
            #""messages":[{"content":[{"type":"document","source":{"type":"url","url":"https://x"}}]}]"#,
            #""tools":[{"type":"web_search_20250305","name":"web_search"}]"#, #""previous_response_id":"r""#,
        ] {
            let estimate = try estimate(#"{"model":"m","max_tokens":1,\#(part)}"#, .messages, "claude-haiku-4-5")
            #expect(estimate.tokens == 200_001)
        }
    }

    @Test func `an image counts at the model's bound and its data not at all`() throws {
        let data = String(repeating: "A", count: 100_000)
        let body =
            #"{"model":"m","max_tokens":1,"messages":[{"content":[{"type":"image","source":{"type":"base64","data":"\#(data)"}}]}]}"#
        let estimate = try estimate(body, .messages, "claude-haiku-4-5")
        #expect(estimate.tokens == body.utf8.count - 100_000 + 5_000 + 512 + 1)
    }

    @Test func `no usage within the bounds costs more than the estimate`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<500 {
            let model = try #require(table.models.randomElement(using: &random))
            let isAnthropic = model.provider == "anthropic"
            let isGemini = model.provider == "gemini"
            let endpoint: Endpoint =
                isAnthropic
                ? .messages : isGemini ? .generateContent : model.maxOutputTokens == 0 ? .embeddings : .chatCompletions
            let usesCache = Bool.random(using: &random)
            let text = String(repeating: "x", count: [0, 100, 500, 210_000].randomElement(using: &random) ?? 0)
            let choices = isAnthropic ? 1 : Int.random(in: 1...4, using: &random)
            let asked = Int.random(in: 0...200_000, using: &random)
            let cache = usesCache && isAnthropic ? #","cache_control":{"type":"ephemeral"}"# : ""
            let body =
                isGemini
                ? #"{"generationConfig":{"candidateCount":\#(choices),"maxOutputTokens":\#(asked + 1)},"contents":"\#(text)"}"#
                : #"{"model":"m","n":\#(choices),"max_tokens":\#(asked + 1),"messages":"\#(text)"\#(cache)}"#
            let facts = try RequestFacts(Array(body.utf8), endpoint: endpoint, pathModel: isGemini ? "m" : nil)
            let estimate = facts.estimate(with: model)
            let output = endpoint == .embeddings ? 0 : min(asked + 1, model.maxOutputTokens) * choices
            let bound = estimate.tokens - output
            // Any mix of kinds that the request can cause, up to the bound.
            var left = Int.random(in: 0...bound, using: &random)
            if Bool.random(using: &random) { left = bound }
            var actual = TokenUsage(output: Int.random(in: 0...output, using: &random))
            func take() -> Int {
                let some = Int.random(in: 0...left, using: &random)
                left -= some
                return some
            }
            actual.cacheRead = take()
            if cache.isEmpty == false { actual.cacheWrite1h = take() }
            if cache.isEmpty == false || !(isAnthropic || isGemini) { actual.cacheWrite5m = take() }
            actual.input = left
            let cost = model.price.cost(of: actual)
            #expect(cost <= estimate.cost, "seed \(seed): \(model.model) \(actual)")
            #expect(actual.total <= estimate.tokens, "seed \(seed)")
        }
    }
}
