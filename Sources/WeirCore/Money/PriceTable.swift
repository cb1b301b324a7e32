/// A version of all prices. Usage events name the version they were priced with.
public struct PriceTable: Sendable {
    /// Such as `2026-11-21`.
    public let version: String
    public let models: [ModelPrice]
    /// Provider → name or alias → index in `models`.
    private let indices: [String: [String: Int]]

    /// The highest rate a table may hold, a million dollars per million tokens: far above any price, and low enough
    /// that no sum of a call overflows.
    public static let highestRate = 1_000_000_000_000

    /// - Throws: ``PriceTableError`` for a table that could charge too little or that says two things of one name.
    public init(version: String, models: [ModelPrice]) throws(PriceTableError) {
        guard !version.isEmpty, !models.isEmpty else { throw .empty }
        var indices: [String: [String: Int]] = [:]
        for (index, model) in models.enumerated() {
            try Self.check(model)
            for name in [model.model] + model.aliases {
                guard indices[model.provider, default: [:]].updateValue(index, forKey: name) == nil else {
                    throw .duplicate(provider: model.provider, model: name)
                }
            }
        }
        self.version = version
        self.models = models
        self.indices = indices
    }

    /// The price of exactly this name; nil: unknown, which never means free.
    public func price(provider: String, model: String) -> ModelPrice? {
        guard let index = indices[provider]?[model] else { return nil }
        return models[index]
    }

    /// For a model without a price of its own: of every rate and bound the greatest that the provider has (of all
    /// providers, if it has none).
    public func dearest(provider: String) -> ModelPrice {
        let own = models.filter { $0.provider == provider }
        var dearest = ModelPrice(
            provider: provider, model: "dearest",
            price: Price(base: .init(input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0)),
            contextWindow: 0, maxOutputTokens: 0, source: "the dearest of each rate in this table")
        for model in own.isEmpty ? models : own {
            for rates in [model.price.base] + model.price.tiers.map(\.rates) {
                dearest.price.base = dearest.price.base.dearest(rates)
            }
            dearest.contextWindow = max(dearest.contextWindow, model.contextWindow)
            dearest.maxOutputTokens = max(dearest.maxOutputTokens, model.maxOutputTokens)
            dearest.maxImageTokens = max(dearest.maxImageTokens, model.maxImageTokens)
        }
        return dearest
    }

    private static func check(_ model: ModelPrice) throws(PriceTableError) {
        func bad(_ why: String) -> PriceTableError { .bad(provider: model.provider, model: model.model, why: why) }
        guard !model.provider.isEmpty, !model.model.isEmpty, !model.aliases.contains("") else {
            throw bad("a name is empty")
        }
        guard model.contextWindow > 0, model.contextWindow <= Int.largestExact, model.maxOutputTokens >= 0,
            model.maxOutputTokens <= Int.largestExact, model.maxImageTokens >= 0,
            model.maxImageTokens <= Int.largestExact
        else { throw bad("a bound is out of range") }
        var floor = model.price.base
        var threshold = 0
        for rates in [model.price.base] + model.price.tiers.map(\.rates) {
            guard rates.all.allSatisfy({ (0...highestRate).contains($0) }) else { throw bad("a rate is out of range") }
            guard rates.input > 0 else { throw bad("input is free") }
            guard rates.cacheRead <= rates.input, rates.cacheWrite5m >= rates.input,
                rates.cacheWrite1h >= rates.cacheWrite5m
            else { throw bad("cache reads must not cost more than input, nor cache writes less") }
            guard zip(rates.all, floor.all).allSatisfy({ $0 >= $1 }) else {
                throw bad("a tier is cheaper than the last")
            }
            floor = rates
        }
        for tier in model.price.tiers {
            guard tier.aboveInputTokens > threshold else { throw bad("tiers must rise") }
            threshold = tier.aboveInputTokens
        }
    }
}

/// Why a price table cannot be used.
public enum PriceTableError: Error, Sendable, Equatable {
    case empty
    case duplicate(provider: String, model: String)
    case bad(provider: String, model: String, why: String)
}

extension PriceTable: Codable {
    enum CodingKeys: String, CodingKey { case version, models }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            version: container.decode(String.self, forKey: .version),
            models: container.decode([ModelPrice].self, forKey: .models))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(models, forKey: .models)
    }
}
