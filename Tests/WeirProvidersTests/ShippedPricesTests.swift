import Testing
import WeirCore
import WeirProviders

@Suite struct ShippedPricesTests {
    private let table: PriceTable

    init() throws { table = try PriceTable.shipped() }

    @Test func `every entry is sane and says where it comes from`() {
        #expect(table.version.count == 10)
        #expect(table.models.count > 30)
        for model in table.models {
            #expect(Dialect(rawValue: model.provider) != nil)
            #expect(model.source.hasPrefix("https://"))
            #expect(model.price.base.input <= 30_000_000, "\(model.model): above any published price")
            #expect(model.price.base.output <= 75_000_000, "\(model.model): above any published price")
            if model.model.hasPrefix("text-embedding") {
                #expect(model.price.base.output == 0 && model.maxOutputTokens == 0)
            } else {
                #expect(model.price.base.output >= model.price.base.input)
                #expect(model.maxOutputTokens >= 4_096)
                #expect(model.contextWindow >= model.maxOutputTokens)
            }
            if model.provider == "anthropic" {
                // 5 minutes at 1.25 and 1 hour at 2 times the input; Haiku 3 is published rounded.
                let input = model.price.base.input
                if model.model != "claude-3-haiku-20240307" {
                    #expect(model.price.base.cacheWrite5m == input * 5 / 4, "\(model.model)")
                }
                #expect(model.price.base.cacheWrite1h == input * 2, "\(model.model)")
            }
        }
    }

    @Test(arguments: [
        // provider, name, input and output in micro-dollars per million tokens
        ("anthropic", "claude-opus-4-1", 15_000_000, 75_000_000),
        ("anthropic", "claude-opus-4-5", 5_000_000, 25_000_000),
        ("anthropic", "claude-sonnet-4-5-20250929", 3_000_000, 15_000_000),
        ("anthropic", "claude-3-5-haiku-latest", 800_000, 4_000_000),
        ("anthropic", "claude-opus-4", 15_000_000, 75_000_000),
        ("anthropic", "claude-sonnet-4", 3_000_000, 15_000_000),
        ("anthropic", "claude-haiku-4", 1_000_000, 5_000_000),
        ("openai", "gpt-4o", 2_500_000, 10_000_000), ("openai", "gpt-4o-mini", 150_000, 600_000),
        ("openai", "gpt-4.1-nano", 100_000, 400_000), ("openai", "o3", 2_000_000, 8_000_000),
        ("openai", "gpt-5", 1_250_000, 10_000_000), ("openai", "text-embedding-3-small", 20_000, 0),
        ("gemini", "gemini-2.5-pro", 1_250_000, 10_000_000), ("gemini", "gemini-2.5-flash-lite", 100_000, 400_000),
    ])
    func `known models have their published price`(provider: String, name: String, input: Int, output: Int) throws {
        let price = try #require(table.price(provider: provider, model: name)).price.base
        #expect(price.input == input)
        #expect(price.output == output)
    }

    @Test(arguments: [
        "claude-opus-4-9", "claude-opus", "gpt-5-pro", "gpt-4o-realtime-preview", "o1-pro", "gpt-4o-mini-tts",
    ])
    func `a name that is not listed has no price, however near it is to one that has`(name: String) {
        for provider in ["anthropic", "openai", "gemini"] {
            #expect(table.price(provider: provider, model: name) == nil)
        }
    }

    @Test func `a Gemini call with more than 200,000 tokens of input costs more, cached ones included`() throws {
        let pro = try #require(table.price(provider: "gemini", model: "gemini-2.5-pro")).price
        #expect(pro.cost(of: TokenUsage(input: 200_000, output: 1_000)).micros == 250_000 + 10_000)
        let long = TokenUsage(input: 100_001, cacheRead: 100_000, output: 1_000)
        #expect(pro.cost(of: long).micros == 250_003 + 25_000 + 15_000)
    }

    @Test func `the dearest price of a provider is at least each of its prices`() {
        let usage = TokenUsage(input: 10, cacheRead: 20, cacheWrite5m: 30, cacheWrite1h: 40, output: 50)
        for model in table.models {
            #expect(table.dearest(provider: model.provider).price.cost(of: usage) >= model.price.cost(of: usage))
        }
    }
}
