#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// All prices that ever held or are known to come: the table that ships with Weir, and what operators have added to it.
///
/// Nothing is ever taken out. On a day the newest price of a model holds whose `valid_from` is not after it; of two from
/// the same day the one that was added later. A name means one model, whenever and by whomever it was priced.
public struct PriceHistory: Sendable {
    /// That of the shipped table.
    public let baseVersion: String
    /// How often operators have added prices; 0: never.
    public let addition: Int
    /// In the order in which they were added, the shipped ones first; each under its model's own name.
    public let models: [ModelPrice]

    /// `2026-11-21`, or `2026-11-21+3` with three additions.
    public var version: String { addition == 0 ? baseVersion : "\(baseVersion)+\(addition)" }

    /// The shipped table.
    /// - Throws: ``PriceTableError`` for prices that could charge too little or that say two things of one name, and if
    ///   none of them holds since ever.
    public init(version: String, models: [ModelPrice]) throws(PriceTableError) {
        (baseVersion, addition, self.models) = (version, 0, models)
        try checkNoTwoFromTheSameDay(models)
        guard models.contains(where: { $0.validFrom == nil }) else { throw .empty }
        // Each day on which something changes is a table of its own, and must be one.
        for day in [UTCDay(number: .min)] + Set(models.compactMap(\.validFrom)).sorted() {
            _ = try PriceTable(version: version, models: inForce(on: day))
        }
    }

    private init(baseVersion: String, addition: Int, models: [ModelPrice]) {
        (self.baseVersion, self.addition, self.models) = (baseVersion, addition, models)
    }

    /// The prices in force on a day.
    public func table(on day: UTCDay) -> PriceTable { PriceTable(version: version, checked: inForce(on: day)) }

    /// With what operators have added.
    ///
    /// A newer Weir may ship a model under names that an operator gave before it was known. Then the shipped table says
    /// which model a name means, and the operator what it costs.
    /// - Throws: ``PriceTableError/bad(provider:model:why:)`` if a price could charge too little.
    public func adding(_ added: AddedPrices) throws(PriceTableError) -> PriceHistory {
        var owners = owners
        var all = models
        for var model in added.models {
            try model.check()
            model.model = owners[Name(model.provider, model.model)] ?? model.model
            model.aliases = model.aliases.filter { alias in
                owners[Name(model.provider, alias)].map { $0 == model.model } ?? true
            }
            for name in [model.model] + model.aliases { owners[Name(model.provider, name)] = model.model }
            all.append(model)
        }
        return PriceHistory(baseVersion: baseVersion, addition: added.version, models: all)
    }

    /// Why these prices should not be added to this history; nil: they may be.
    public func fault(adding new: [ModelPrice]) -> PriceTableError? {
        do throws(PriceTableError) {
            guard !new.isEmpty else { throw .empty }
            try checkNoTwoFromTheSameDay(new)
            var owners = owners
            for model in new {
                try model.check()
                func bad(_ why: String) -> PriceTableError {
                    .bad(provider: model.provider, model: model.model, why: why)
                }
                guard model.validFrom != nil else { throw bad("valid_from is missing: the first day of this price") }
                guard !model.source.isEmpty else { throw bad("source is empty: say where the price was read") }
                if let owner = owners[Name(model.provider, model.model)], owner != model.model {
                    throw bad("this is another name of \(owner); give the price to that")
                }
                for name in [model.model] + model.aliases {
                    if let owner = owners.updateValue(model.model, forKey: Name(model.provider, name)),
                        owner != model.model
                    {
                        throw bad("the name \(name) is one of \(owner)")
                    }
                }
            }
            return nil
        } catch {
            return error
        }
    }

    private struct Name: Hashable {
        let provider: String
        let name: String
        init(_ provider: String, _ name: String) { (self.provider, self.name) = (provider, name) }
    }

    /// Name or alias → the model's own name.
    private var owners: [Name: String] {
        var owners: [Name: String] = [:]
        for model in models {
            for name in [model.model] + model.aliases { owners[Name(model.provider, name)] = model.model }
        }
        return owners
    }

    /// One price per model, with all names that it has had by then.
    private func inForce(on day: UTCDay) -> [ModelPrice] {
        var chosen: [ModelPrice] = []
        var places: [Name: Int] = [:]
        for model in models where model.isValid(on: day) {
            let name = Name(model.provider, model.model)
            guard let place = places[name] else {
                places[name] = chosen.count
                chosen.append(model)
                continue
            }
            let standing = chosen[place]
            let isNewer = (model.validFrom?.number ?? .min) >= (standing.validFrom?.number ?? .min)
            let (winner, other) = isNewer ? (model, standing) : (standing, model)
            chosen[place] = winner
            chosen[place].aliases += other.aliases.filter { !winner.aliases.contains($0) }
        }
        return chosen
    }

    private func checkNoTwoFromTheSameDay(_ models: [ModelPrice]) throws(PriceTableError) {
        struct Entry: Hashable { let provider, model: String; let validFrom: UTCDay? }
        var seen: Set<Entry> = []
        for model in models {
            let entry = Entry(provider: model.provider, model: model.model, validFrom: model.validFrom)
            guard seen.insert(entry).inserted else { throw .duplicate(provider: model.provider, model: model.model) }
        }
    }
}

extension PriceHistory: Decodable {
    enum CodingKeys: String, CodingKey { case version, models }

    /// Reads the file that ships.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            version: container.decode(String.self, forKey: .version),
            models: container.decode([ModelPrice].self, forKey: .models))
    }
}

/// What operators have added to the shipped prices, as published to every node.
public struct AddedPrices: Sendable, Hashable, Codable {
    /// Counts the additions; 0: none.
    public var version: Int
    /// All of them, oldest first.
    public var models: [ModelPrice]

    public static let none = AddedPrices(version: 0, models: [])

    public init(version: Int, models: [ModelPrice]) {
        self.version = version
        self.models = models
    }

    /// One JSON object, its fields in alphabetical order, so that equal prices are equal texts.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension PriceHistory {
    /// With what was published; nil: nothing was added yet.
    public func adding(published text: String?) throws -> PriceHistory {
        guard let text else { return self }
        return try adding(JSONDecoder().decode(AddedPrices.self, from: Data(text.utf8)))
    }
}
