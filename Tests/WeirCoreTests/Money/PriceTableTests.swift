import Testing
import WeirCore

@Suite struct PriceTableTests {
    private static func model(
        _ name: String, aliases: [String] = [], provider: String = "anthropic", input: Int = 3_000_000,
        output: Int = 15_000_000, reasoning: Int? = nil, tiers: [Price.Tier] = [], batchPercent: Int? = nil
    ) -> ModelPrice {
        ModelPrice(
            provider: provider, model: name, aliases: aliases,
            price: Price(
                base: .init(
                    input: input, cacheRead: input / 10, cacheWrite5m: input, cacheWrite1h: input * 2, output: output,
                    reasoning: reasoning),
                tiers: tiers, batchPercent: batchPercent),
            contextWindow: 200_000, maxOutputTokens: 64_000, source: "test")
    }

    @Test func `a model is found by its exact name or a listed alias, within its provider`() throws {
        let table = try PriceTable(
            version: "v1",
            models: [
                Self.model("claude-sonnet-4-20250514", aliases: ["claude-sonnet-4"]),
                Self.model("gpt", provider: "openai"),
            ])
        #expect(
            table.price(provider: "anthropic", model: "claude-sonnet-4-20250514")?.model == "claude-sonnet-4-20250514")
        #expect(table.price(provider: "anthropic", model: "claude-sonnet-4")?.model == "claude-sonnet-4-20250514")
        for unknown in [
            "claude-sonnet-4-2", "claude-sonnet", "Claude-Sonnet-4", "claude-sonnet-4-20250514 ", "", "gpt",
        ] {
            #expect(table.price(provider: "anthropic", model: unknown) == nil)
        }
        #expect(table.price(provider: "openai", model: "claude-sonnet-4") == nil)
        #expect(table.price(provider: "other", model: "gpt") == nil)
    }

    @Test func `the dearest price is the greatest of every rate, tiers included`() throws {
        let tier = Price.Tier(
            aboveInputTokens: 10,
            rates: .init(
                input: 9_000_000, cacheRead: 900_000, cacheWrite5m: 9_000_000, cacheWrite1h: 9_000_000,
                output: 16_000_000))
        let table = try PriceTable(
            version: "v1",
            models: [
                Self.model("a", tiers: [tier]), Self.model("b", input: 1, output: 75_000_000),
                Self.model("c", provider: "openai", input: 30_000_000),
            ])
        let dearest = table.dearest(provider: "anthropic")
        #expect(dearest.price.base.input == 9_000_000)
        #expect(dearest.price.base.output == 75_000_000)
        #expect(table.dearest(provider: "unheard of").price.base.input == 30_000_000)
    }

    @Test(arguments: [
        [], [model("a"), model("a")], [model("a", aliases: ["b"]), model("b")], [model("")], [model("a", input: 0)],
        [model("a", input: -1)], [model("a", output: -1)], [model("a", input: PriceTable.highestRate + 1)],
        [model("a", reasoning: -1)], [model("a", batchPercent: 0)], [model("a", batchPercent: 101)],
        [
            model(
                "a",
                tiers: [
                    .init(
                        aboveInputTokens: 5,
                        rates: .init(input: 1, cacheRead: 0, cacheWrite5m: 1, cacheWrite1h: 1, output: 1))
                ])
        ],
    ])
    func `a table that could charge too little or contradicts itself is refused`(models: [ModelPrice]) {
        #expect(throws: PriceTableError.self) { try PriceTable(version: "v1", models: models) }
    }
}
