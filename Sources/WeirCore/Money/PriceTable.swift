/// The prices in force on one day: what a call is charged by. Usage events name the version they were priced with.
///
/// Made of a ``PriceHistory`` once per day, so that a call looks up a dictionary and nothing more.
public struct PriceTable: Sendable {
    /// That of the history: `2026-11-21`, or `2026-11-21+3` where operators have added prices three times.
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
            try model.check()
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

    /// Of models that were checked, and whose names are known to be of one model each.
    init(version: String, checked models: [ModelPrice]) {
        var indices: [String: [String: Int]] = [:]
        for (index, model) in models.enumerated() {
            for name in [model.model] + model.aliases { indices[model.provider, default: [:]][name] = index }
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

    /// Whether any provider's model has this name.
    public func isPriced(_ model: String) -> Bool { indices.values.contains { $0[model] != nil } }

    /// For a model without a price of its own: of every rate and bound the greatest that the provider has (of all
    /// providers, if it has none).
    public func dearest(provider: String) -> ModelPrice {
        let own = models.filter { $0.provider == provider }
        var dearest = ModelPrice(
            provider: provider, model: "dearest", price: .free, contextWindow: 0, maxOutputTokens: 0,
            source: "the dearest of each rate in this table")
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
}

/// Why prices cannot be used.
public enum PriceTableError: Error, Sendable, Equatable {
    /// There is no version, or no price that holds since ever.
    case empty
    /// One name for two models, or two prices of one model from the same day on.
    case duplicate(provider: String, model: String)
    case bad(provider: String, model: String, why: String)
}

extension PriceTableError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "there is no price"
        case .duplicate(let provider, let model):
            "\(provider)/\(model): the name is given to two models, or twice with the same valid_from"
        case .bad(let provider, let model, let why): "\(provider)/\(model): \(why)"
        }
    }
}

extension ModelPrice {
    /// - Throws: ``PriceTableError/bad(provider:model:why:)`` for a price that could charge too little.
    func check() throws(PriceTableError) {
        func bad(_ why: String) -> PriceTableError { .bad(provider: provider, model: model, why: why) }
        guard !provider.isEmpty, !model.isEmpty, !aliases.contains("") else { throw bad("a name is empty") }
        guard contextWindow > 0, contextWindow <= Int.largestExact, maxOutputTokens >= 0,
            maxOutputTokens <= Int.largestExact, maxImageTokens >= 0, maxImageTokens <= Int.largestExact
        else { throw bad("a bound is out of range") }
        var floor = price.base
        for rates in [price.base] + price.tiers.map(\.rates) {
            guard rates.all.allSatisfy({ (0...PriceTable.highestRate).contains($0) }) else {
                throw bad("a rate is out of range")
            }
            guard rates.input > 0 else { throw bad("input is free") }
            guard rates.cacheRead <= rates.input, rates.cacheWrite5m >= rates.input,
                rates.cacheWrite1h >= rates.cacheWrite5m
            else { throw bad("cache reads must not cost more than input, nor cache writes less") }
            guard zip(rates.all, floor.all).allSatisfy({ $0 >= $1 }) else {
                throw bad("a tier is cheaper than the last")
            }
            floor = rates
        }
        var threshold = 0
        for tier in price.tiers {
            guard tier.aboveInputTokens > threshold else { throw bad("tiers must rise") }
            threshold = tier.aboveInputTokens
        }
        if let percent = price.batchPercent, !(1...100).contains(percent) {
            throw bad("batch_percent is from 1 to 100")
        }
    }
}
