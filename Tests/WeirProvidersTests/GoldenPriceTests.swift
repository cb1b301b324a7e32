import Testing
import WeirCore
import WeirProviders

/// The providers' own worked examples and published rates, against the shipped table. Each case names the page that says
/// so. Anthropic's page was read in a stored copy on 2026-11-21. OpenAI publishes rates and rules but no worked examples,
/// and its pages were not read: the rule of 272,000 tokens is as others quote it, and the cases of cached input and
/// reasoning are arithmetic on the table's own rates, so they prove the sums and not the rates. Google publishes rates, too,
/// and no examples; they were read as others quote them.
@Suite struct GoldenPriceTests {
    private let table: PriceTable

    init() throws { table = try PriceTable.shipped() }

    private func cost(
        _ provider: String, _ model: String, _ usage: TokenUsage, isBatch: Bool = false
    ) throws -> String {
        let price = try #require(table.price(provider: provider, model: model), "\(model)").price
        return price.cost(of: usage, isBatch: isBatch).description
    }

    /// https://platform.claude.com/docs/en/about-claude/pricing, "Claude Managed Agents pricing", "Worked example": a
    /// session of Claude Opus 5, without the 0.08 dollars of session runtime.
    @Test func `Anthropic's session of 50,000 input and 15,000 output tokens, plain and cached`() throws {
        // 50,000 × 5 + 15,000 × 25: 0.25 + 0.375
        #expect(try cost("anthropic", "claude-opus-5", TokenUsage(input: 50_000, output: 15_000)) == "0.625")
        // 40,000 of them read from the cache at a tenth: 0.05 + 0.02 + 0.375
        let cached = TokenUsage(input: 10_000, cacheRead: 40_000, output: 15_000)
        #expect(try cost("anthropic", "claude-opus-5", cached) == "0.445")
    }

    /// The same page: 10,000 support tickets of about 3,700 tokens on Claude Haiku 4.5, "~$37.00", counted as input.
    @Test func `Anthropic's ten thousand support tickets`() throws {
        #expect(try cost("anthropic", "claude-haiku-4-5", TokenUsage(input: 3_700 * 10_000)) == "37.00")
    }

    /// The same page, "Batch processing": batch input and output of a million tokens each.
    @Test(arguments: [
        ("claude-opus-5", "2.50", "12.50"), ("claude-opus-4-8", "2.50", "12.50"), ("claude-opus-4-1", "7.50", "37.50"),
        ("claude-sonnet-5", "1.00", "5.00"), ("claude-sonnet-4-6", "1.50", "7.50"),
        ("claude-haiku-4-5", "0.50", "2.50"),
    ])
    func `Anthropic's batch prices`(model: String, input: String, output: String) throws {
        // Below the threshold of models with dearer long input.
        let tenth = TokenUsage(input: 100_000)
        let parts = try (0..<10).map { _ in try #require(MicroUSD(cost("anthropic", model, tenth, isBatch: true))) }
        #expect(parts.reduce(.zero, +).description == input)
        #expect(try cost("anthropic", model, TokenUsage(output: 1_000_000), isBatch: true) == output)
    }

    /// The same page, "Prompt caching": writes for 5 minutes at 1.25 and for an hour at 2 times the input, reads at 0.1, of
    /// Claude Fable 5.1 at 0.025;
    /// https://platform.claude.com/docs/en/models/opus-5-5/overview: reads of Claude Opus 5.5 at 0.20 dollars.
    @Test func `Anthropic's multipliers of cached input`() {
        for model in table.models where model.provider == "anthropic" {
            let rates = model.price.base
            // Published rounded: 0.25 in, 0.30 and 0.50 written, 0.03 read.
            if model.model == "claude-3-haiku-20240307" { continue }
            #expect(rates.cacheWrite5m * 4 == rates.input * 5, "\(model.model)")
            #expect(rates.cacheWrite1h == rates.input * 2, "\(model.model)")
            let share = ["claude-opus-5-5": 20, "claude-fable-5-1": 40][model.model] ?? 10
            #expect(rates.cacheRead * share == rates.input, "\(model.model)")
        }
    }

    /// https://platform.claude.com/docs/en/about-claude/pricing, "Model pricing": a million tokens of each kind.
    @Test(arguments: [
        ("claude-fable-5-1", ["10.00", "12.50", "20.00", "0.25", "50.00"]),
        ("claude-fable-5", ["10.00", "12.50", "20.00", "1.00", "50.00"]),
        ("claude-opus-4-6", ["5.00", "6.25", "10.00", "0.50", "25.00"]),
        ("claude-opus-4-1", ["15.00", "18.75", "30.00", "1.50", "75.00"]),
        ("claude-sonnet-5", ["2.00", "2.50", "4.00", "0.20", "10.00"]),
        ("claude-sonnet-4-6", ["3.00", "3.75", "6.00", "0.30", "15.00"]),
        ("claude-haiku-4-5", ["1.00", "1.25", "2.00", "0.10", "5.00"]),
        ("claude-3-5-haiku-20241022", ["0.80", "1.00", "1.60", "0.08", "4.00"]),
    ])
    func `Anthropic's table, kind by kind`(model: String, dollars: [String]) throws {
        let million = 1_000_000
        let kinds = [
            TokenUsage(input: million), TokenUsage(cacheWrite5m: million), TokenUsage(cacheWrite1h: million),
            TokenUsage(cacheRead: million), TokenUsage(output: million),
        ]
        #expect(try kinds.map { try cost("anthropic", model, $0) } == dollars)
    }

    /// https://developers.openai.com/api/docs/models/gpt-5.4: "Prompts with >272K input tokens are priced at 2x input and
    /// 1.5x output for the full session".
    @Test func `OpenAI's long context is dearer for the whole call`() throws {
        let atThreshold = TokenUsage(input: 272_000, output: 10_000)
        // 272,000 × 2.50 + 10,000 × 15
        #expect(try cost("openai", "gpt-5.4", atThreshold) == "0.83")
        // 272,001 × 5 + 10,000 × 22.50
        let above = TokenUsage(input: 272_001, output: 10_000)
        #expect(try cost("openai", "gpt-5.4", above) == "1.585005")
    }

    /// https://developers.openai.com/api/docs/pricing: cached input costs a tenth (GPT-5), a quarter (GPT-4.1, o3) or half
    /// (GPT-4o) of input; writing to the cache costs nothing besides.
    @Test(arguments: [
        ("gpt-5", "1.25", "0.125"), ("gpt-5-mini", "0.25", "0.025"), ("gpt-4.1", "2.00", "0.50"),
        ("o3", "2.00", "0.50"),
        ("gpt-4o", "2.50", "1.25"), ("gpt-4o-mini", "0.15", "0.075"),
    ])
    func `OpenAI's cached input`(model: String, fresh: String, cached: String) throws {
        #expect(try cost("openai", model, TokenUsage(input: 1_000_000)) == fresh)
        #expect(try cost("openai", model, TokenUsage(cacheRead: 1_000_000)) == cached)
        #expect(try cost("openai", model, TokenUsage(cacheWrite5m: 1_000_000)) == fresh)
    }

    /// https://developers.openai.com/api/docs/guides/reasoning: reasoning tokens are billed as output tokens.
    @Test func `OpenAI's reasoning is output`() throws {
        #expect(
            try cost("openai", "o3", TokenUsage(output: 1_000, reasoning: 900))
                == cost("openai", "o3", TokenUsage(output: 1_000)))
    }

    /// https://ai.google.dev/gemini-api/docs/pricing, of Gemini 2.5 Pro: up to 200,000 tokens of prompt and above, cached
    /// ones included. The sums of the first and the third are worked out by the tests of the crate gemini-cost 0.1.0
    /// (https://docs.rs/crate/gemini-cost/0.1.0/source/tests/integration.rs).
    @Test func `Gemini 2.5 Pro is dearer as a whole above 200,000 tokens of prompt`() throws {
        let model = "gemini-2.5-pro"
        // 100,000 × 1.25 + 50,000 × 10
        #expect(try cost("gemini", model, TokenUsage(input: 100_000, output: 50_000)) == "0.625")
        // 150,000 × 1.25 + 50,000 × 0.125 + 1,000 × 10
        let cached = TokenUsage(input: 150_000, cacheRead: 50_000, output: 1_000)
        #expect(try cost("gemini", model, cached) == "0.20375")
        // 300,000 × 2.50
        #expect(try cost("gemini", model, TokenUsage(input: 300_000)) == "0.75")
        // 150,001 × 2.50 + 50,000 × 0.25 + 1,000 × 15
        let long = TokenUsage(input: 150_001, cacheRead: 50_000, output: 1_000)
        #expect(try cost("gemini", model, long) == "0.402503")
    }

    @Test func `every shipped price is more for more tokens`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for model in table.models {
            for _ in 0..<50 {
                func count() -> Int { Int.random(in: 0...300_000, using: &random) }
                let less = TokenUsage(
                    input: count(), cacheRead: count(), cacheWrite5m: count(), cacheWrite1h: count(), output: count())
                var more = less
                more.input += count()
                more.cacheRead += count()
                more.output += count()
                #expect(model.price.cost(of: less) <= model.price.cost(of: more), "seed \(seed): \(model.model)")
            }
        }
    }
}
