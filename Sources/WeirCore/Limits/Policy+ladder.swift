extension Policy {
    /// A model of the ladder. In JSON its name, or `{"model":…,"tier":…}`.
    public struct Rung: Sendable, Hashable {
        public var model: String
        /// A name of the operator's, by which calls may ask for it: `tier:<name>`.
        public var tier: String?

        public init(model: String, tier: String? = nil) { (self.model, self.tier) = (model, tier) }
    }

    /// Which calls follow the ladder when a budget fills up.
    public enum Downgrade: String, Sendable, Hashable, Codable, CaseIterable {
        /// Those that ask for `auto` or `tier:<name>`.
        case aliases
        /// Also those that name a model of the ladder exactly.
        case always
    }

    /// As many as a script chooses among.
    public static let mostRungs = 16
}

extension Policy.Rung: ExpressibleByStringLiteral {
    public init(stringLiteral model: String) { self.init(model: model) }
}

extension Policy.Rung: Codable {
    private enum CodingKeys: String, CodingKey { case model, tier }

    public init(from decoder: any Decoder) throws {
        if let model = try? decoder.singleValueContainer().decode(String.self) {
            self.init(model: model)
            return
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            model: try values.decode(String.self, forKey: .model), tier: try values.decode(String.self, forKey: .tier))
    }

    public func encode(to encoder: any Encoder) throws {
        guard let tier else {
            var value = encoder.singleValueContainer()
            try value.encode(model)
            return
        }
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(model, forKey: .model)
        try values.encode(tier, forKey: .tier)
    }
}
