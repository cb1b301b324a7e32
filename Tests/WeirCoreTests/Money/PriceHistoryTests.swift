import Foundation
import Testing
import WeirCore

@Suite struct PriceHistoryTests {
    private static func model(
        _ name: String, aliases: [String] = [], from: String? = nil, input: Int = 3, provider: String = "anthropic",
        source: String = "test"
    ) -> ModelPrice {
        ModelPrice(
            provider: provider, model: name, aliases: aliases, validFrom: from.flatMap { UTCDay($0) },
            price: Price(
                base: .init(input: input, cacheRead: 1, cacheWrite5m: input, cacheWrite1h: input, output: input)),
            contextWindow: 1, maxOutputTokens: 1, source: source)
    }

    private func input(_ history: PriceHistory, _ name: String, _ day: String) -> Int? {
        UTCDay(day).flatMap { history.table(on: $0).price(provider: "anthropic", model: name)?.price.base.input }
    }

    @Test func `on a day the newest price holds that has come into force, under every name of the model`() throws {
        let history = try PriceHistory(
            version: "v1",
            models: [
                Self.model("opus-1", aliases: ["opus"], input: 10),
                Self.model("opus-1", from: "2026-06-01", input: 8),
                Self.model("opus-1", aliases: ["opus-latest"], from: "2026-03-01", input: 9),
                Self.model("haiku-2", from: "2026-05-01", input: 2),
            ])
        for name in ["opus-1", "opus"] {
            #expect(input(history, name, "2020-01-01") == 10)
            #expect(input(history, name, "2026-02-28") == 10)
            #expect(input(history, name, "2026-03-01") == 9)
            #expect(input(history, name, "2026-05-31") == 9)
            #expect(input(history, name, "2026-06-01") == 8)
        }
        #expect(input(history, "opus-latest", "2026-02-28") == nil)
        #expect(input(history, "opus-latest", "2027-01-01") == 8)
        #expect(input(history, "haiku-2", "2026-04-30") == nil)
        #expect(input(history, "haiku-2", "2026-05-01") == 2)
    }

    @Test func `what operators add holds from its day on, the later addition before the earlier, and is named`() throws
    {
        let shipped = try PriceHistory(version: "v1", models: [Self.model("opus-1", aliases: ["opus"], input: 10)])
        #expect(shipped.version == "v1")
        let first = Self.model("opus-1", from: "2026-03-01", input: 20)
        let second = Self.model("opus-1", from: "2026-03-01", input: 30)
        let history = try shipped.adding(AddedPrices(version: 2, models: [first, second]))
        #expect(history.version == "v1+2")
        #expect(history.table(on: UTCDay(year: 2026, month: 1, day: 1)).version == "v1+2")
        #expect(input(history, "opus", "2026-02-28") == 10)
        #expect(input(history, "opus", "2026-03-01") == 30)
        #expect(try shipped.adding(.none).version == "v1")
        #expect(try shipped.adding(published: nil).version == "v1")
        let published = try AddedPrices(version: 2, models: [first, second]).json()
        #expect(input(try shipped.adding(published: published), "opus", "2026-03-01") == 30)
    }

    @Test func `where a newer table ships a name that an operator had given, it says what the name means`() throws {
        let added = AddedPrices(
            version: 1, models: [Self.model("opus-9", aliases: ["haiku", "opus-nine"], from: "2026-03-01", input: 7)])
        // Meanwhile opus-9 has turned out to be another name, and haiku a model of its own.
        let newer = try PriceHistory(
            version: "v2",
            models: [Self.model("opus-9-20260301", aliases: ["opus-9"], input: 10), Self.model("haiku", input: 1)])
        let history = try newer.adding(added)
        for name in ["opus-9", "opus-9-20260301", "opus-nine"] { #expect(input(history, name, "2026-03-01") == 7) }
        #expect(input(history, "opus-9", "2026-02-28") == 10)
        #expect(input(history, "haiku", "2026-03-01") == 1)
    }

    @Test(arguments: [
        ([], "there is no price"),
        ([model("new")], "anthropic/new: valid_from is missing"),
        ([model("new", from: "2026-03-01", source: "")], "anthropic/new: source is empty"),
        ([model("opus", from: "2026-03-01")], "anthropic/opus: this is another name of opus-1"),
        ([model("new", aliases: ["opus"], from: "2026-03-01")], "the name opus is one of opus-1"),
        ([model("new", from: "2026-03-01"), model("new", from: "2026-03-01")], "twice with the same valid_from"),
        ([model("new", from: "2026-03-01", input: 0)], "input is free"),
    ])
    func `what should not be added is refused with the reason`(models: [ModelPrice], reason: String) throws {
        let shipped = try PriceHistory(version: "v1", models: [Self.model("opus-1", aliases: ["opus"])])
        let fault = try #require(shipped.fault(adding: models))
        #expect(fault.description.contains(reason), "\(fault)")
    }

    @Test func `what may be added has no fault`() throws {
        let shipped = try PriceHistory(version: "v1", models: [Self.model("opus-1", aliases: ["opus"])])
        let models = [
            Self.model("opus-1", aliases: ["opus", "opus-first"], from: "2026-03-01"),
            Self.model("opus-1", from: "2026-04-01"), Self.model("opus", from: "2026-03-01", provider: "openai"),
        ]
        #expect(shipped.fault(adding: models) == nil)
    }

    @Test(arguments: [
        [model("a", from: "2026-01-01")], [model("a"), model("a")],
        [model("a"), model("b", from: "2026-01-01"), model("b", from: "2026-01-01")],
        [model("a", aliases: ["b"]), model("b", from: "2026-01-01")],
    ])
    func `a shipped table that says two things of one name, or nothing of the past, is refused`(models: [ModelPrice]) {
        #expect(throws: PriceTableError.self) { try PriceHistory(version: "v1", models: models) }
    }

    @Test func `a price comes back from JSON as it was, and what may be left out may be missing`() throws {
        var model = Self.model("a", aliases: ["b"], from: "2026-03-01")
        model.price.tiers = [.init(aboveInputTokens: 5, rates: model.price.base)]
        model.price.batchPercent = 50
        model.price.base.reasoning = 9
        model.note = "n"
        #expect(try JSONDecoder().decode(ModelPrice.self, from: JSONEncoder().encode(model)) == model)
        let least = """
            {"provider":"p","model":"m","context_window":1,"max_output_tokens":1,"source":"s",
             "price":{"input":1,"cache_read":1,"cache_write_5m":1,"cache_write_1h":1,"output":1}}
            """
        let read = try JSONDecoder().decode(ModelPrice.self, from: Data(least.utf8))
        #expect(read.aliases.isEmpty && read.validFrom == nil && read.price.batchPercent == nil)
        let wrong = least.replacing(#""model":"m""#, with: #""model":"m","valid_from":"2026-02-30""#)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(ModelPrice.self, from: Data(wrong.utf8)) }
    }

    @Test func `a call is priced again by its own day, by the model that served or else the one asked for`() throws {
        let history = try PriceHistory(
            version: "v1",
            models: [Self.model("m", input: 1_000_000), Self.model("m", from: "2026-03-01", input: 2_000_000)])
        var repricer = Repricer(history)
        func call(_ day: String, _ model: String = "m", asked: String = "m") throws -> ChargedCall {
            ChargedCall(
                calledAtMs: try #require(UTCDay(day)).startMs, provider: "anthropic", requestedModel: asked,
                model: model,
                tokens: TokenUsage(input: 5))
        }
        #expect(repricer.cost(of: try call("2026-02-28"))?.micros == 5)
        #expect(repricer.cost(of: try call("2026-03-01"))?.micros == 10)
        #expect(repricer.cost(of: try call("2026-03-01", "unknown"))?.micros == 10)
        #expect(repricer.cost(of: try call("2026-03-01", "unknown", asked: "unknown")) == nil)
        var odd = try call("2026-03-01")
        odd.hasUnpricedOption = true
        #expect(repricer.cost(of: odd) == nil)
    }

    @Test func `a model is without a price if no provider has one of its name`() throws {
        let table = try PriceTable(
            version: "v1", models: [Self.model("a", aliases: ["b"]), Self.model("c", provider: "openai")])
        #expect(table.unpriced(["d", "a", "b", "c", "e", "d"]) == ["d", "e"])
        let limit = Limit(
            id: "l", per: .team, unit: .requests, span: .period(.day), match: .init(models: ["e", "a"]), amount: 1)
        let policy = Policy(products: [:], classes: [:], limits: [limit], ladder: ["d", "a"])
        #expect(policy.namedModels == ["a", "d", "e"])
    }
}
