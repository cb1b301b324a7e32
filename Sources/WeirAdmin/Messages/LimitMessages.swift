import WeirCore
import WeirLedger

/// The limits of the policy in force, and what differs from it.
package struct LimitList: Codable, Sendable {
    package var policyVersion: Int
    package var limits: [LimitDescription]
    package var overrides: [OverrideDescription]

    enum CodingKeys: String, CodingKey {
        case policyVersion = "policy_version"
        case limits, overrides
    }
}

/// One limit. Amounts are in the unit's integers: micro-dollars for `usd`; 0 is unlimited.
package struct LimitDescription: Codable, Sendable, Equatable {
    package var id: String
    package var per: String
    package var unit: String
    /// One of the two, or neither for calls at once.
    package var windowMs: Int?
    package var period: String?
    /// Which calls it covers; empty: all.
    package var products: [String]
    package var classes: [String]
    package var models: [String]
    package var resource: String?
    package var amount: Int
    package var groups: [String: Int]
    package var groupRule: String
    package var enforce: String

    init(_ limit: Limit) {
        id = limit.id
        per = limit.per.rawValue
        unit = limit.unit.rawValue
        switch limit.span {
        case .window(let ms): windowMs = ms
        case .period(let kind): period = kind.rawValue
        case .inFlight: break
        }
        products = limit.match.products
        classes = limit.match.classes
        models = limit.match.models
        resource = limit.match.resource
        amount = limit.amount
        groups = limit.groupAmounts
        groupRule = limit.groupRule.rawValue
        enforce = limit.enforce.rawValue
    }

    enum CodingKeys: String, CodingKey {
        case id, per, unit, period, products, classes, models, resource, amount, groups, enforce
        case windowMs = "window_ms"
        case groupRule = "group_rule"
    }
}

/// What to set, or with `amount` null to unset.
package struct OverrideRequest: Codable, Sendable, StrictMessage {
    package var limit: String
    /// As denials name it: `user:acme/alice`, `team:acme`; `user:alice` if one team alone has an alice.
    package var subject: String
    /// In the limit's unit (micro-dollars for `usd`); 0: unlimited; null: back to what policy says.
    package var amount: Int?
    /// Unix seconds from which policy holds again; nil: never.
    package var until: Int?
    package var reason: String?

    package init(limit: String, subject: String, amount: Int?, until: Int? = nil, reason: String? = nil) {
        self.limit = limit
        self.subject = subject
        self.amount = amount
        self.until = until
        self.reason = reason
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        limit = try values.decode(String.self, forKey: .limit)
        subject = try values.decode(String.self, forKey: .subject)
        // Null says something, so it must be said.
        guard values.contains(.amount) else {
            throw DecodingError.keyNotFound(
                CodingKeys.amount, .init(codingPath: decoder.codingPath, debugDescription: ""))
        }
        amount = try values.decodeIfPresent(Int.self, forKey: .amount)
        until = try values.decodeIfPresent(Int.self, forKey: .until)
        reason = try values.decodeIfPresent(String.self, forKey: .reason)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(limit, forKey: .limit)
        try values.encode(subject, forKey: .subject)
        try values.encode(amount, forKey: .amount)
        try values.encodeIfPresent(until, forKey: .until)
        try values.encodeIfPresent(reason, forKey: .reason)
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable { case limit, subject, amount, until, reason }
}

/// An amount that differs from policy.
package struct OverrideDescription: Codable, Sendable, Equatable {
    package var limit: String
    package var subject: String
    /// Of the limit; nil if the policy no longer has it.
    package var unit: String?
    package var amount: Int
    /// Unix seconds; nil: for good.
    package var until: Int?
    package var reason: String?
    package var actor: String
    package var createdAtMs: Int

    init(_ override: Override, limit: Limit?) {
        self.limit = override.limit
        subject = override.subject
        unit = limit?.unit.rawValue
        amount = override.amount
        until = override.untilMs.map { $0 / 1000 }
        reason = override.reason
        actor = override.actor
        createdAtMs = override.createdAtMs
    }

    enum CodingKeys: String, CodingKey {
        case limit, subject, unit, amount, until, reason, actor
        case createdAtMs = "created_at_ms"
    }
}

package struct OverrideList: Codable, Sendable {
    package var overrides: [OverrideDescription]
}

/// The answer to an unset override: of whom, and whether there was one.
package struct OverrideRemoved: Codable, Sendable {
    package var limit: String
    package var subject: String
    package var removed: Bool
}
