import WeirCore
import WeirLedger
import WeirProviders

/// The limits of the policy in force, and what differs from it.
package struct LimitList: AdminList {
    package var policyVersion: Int
    package var limits: [LimitDescription]
    /// Of these limits, at most a thousand; all of them are at `overrides`.
    package var overrides: [OverrideDescription]
    package var nextCursor: String?

    package var items: [LimitDescription] {
        get { limits }
        set { limits = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case policyVersion = "policy_version"
        case nextCursor = "next_cursor"
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
    /// Of unit `usd`: in dollars, decimal text.
    package var amountUSD: String?
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
        amountUSD = limit.unit == .usd ? MicroUSD(micros: limit.amount).description : nil
        groups = limit.groupAmounts
        groupRule = limit.groupRule.rawValue
        enforce = limit.enforce.rawValue
    }

    enum CodingKeys: String, CodingKey {
        case id, per, unit, period, products, classes, models, resource, amount, groups, enforce
        case windowMs = "window_ms"
        case amountUSD = "amount_usd"
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
    /// Unix seconds from which policy holds again, or as text, RFC 3339; nil: never.
    package var until: Int?
    package var untilAt: String?
    package var reason: String?

    package init(
        limit: String, subject: String, amount: Int?, until: Int? = nil, untilAt: String? = nil, reason: String? = nil
    ) {
        self.untilAt = untilAt
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
        untilAt = try values.decodeIfPresent(String.self, forKey: .untilAt)
        reason = try values.decodeIfPresent(String.self, forKey: .reason)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(limit, forKey: .limit)
        try values.encode(subject, forKey: .subject)
        try values.encode(amount, forKey: .amount)
        try values.encodeIfPresent(until, forKey: .until)
        try values.encodeIfPresent(untilAt, forKey: .untilAt)
        try values.encodeIfPresent(reason, forKey: .reason)
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case limit, subject, amount, until, reason
        case untilAt = "until_at"
    }
}

/// An amount that differs from policy.
package struct OverrideDescription: Codable, Sendable, Equatable {
    package var limit: String
    package var subject: String
    /// Of the limit; nil if the policy no longer has it.
    package var unit: String?
    package var amount: Int
    /// Of unit `usd`: in dollars, decimal text.
    package var amountUSD: String?
    /// Unix seconds; nil: for good.
    package var until: Int?
    package var untilAt: String?
    package var reason: String?
    package var actor: String
    package var createdAt: String
    package var createdAtMs: Int

    init(_ override: Override, limit: Limit?) {
        self.limit = override.limit
        subject = override.subject
        unit = limit?.unit.rawValue
        amount = override.amount
        amountUSD = limit?.unit == .usd ? MicroUSD(micros: override.amount).description : nil
        until = override.untilMs.map { $0 / 1000 }
        untilAt = override.untilMs.map(rfc3339)
        createdAt = rfc3339(ms: override.createdAtMs)
        reason = override.reason
        actor = override.actor
        createdAtMs = override.createdAtMs
    }

    enum CodingKeys: String, CodingKey {
        case limit, subject, unit, amount, until, reason, actor
        case amountUSD = "amount_usd"
        case untilAt = "until_at"
        case createdAt = "created_at"
        case createdAtMs = "created_at_ms"
    }
}

package struct OverrideList: AdminList {
    package var overrides: [OverrideDescription]
    package var nextCursor: String?

    package var items: [OverrideDescription] {
        get { overrides }
        set { overrides = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case overrides
        case nextCursor = "next_cursor"
    }
}

/// The answer to an unset override: of whom, and whether there was one.
package struct OverrideRemoved: Codable, Sendable {
    package var limit: String
    package var subject: String
    package var removed: Bool
}

/// The answer to a change of an override: what stands now, or that it was taken back.
package struct OverrideChange: Codable, Sendable {
    package var limit: String
    package var subject: String
    /// Of one that was taken back.
    package var removed: Bool?
    /// Of one that was set, as in the list.
    package var unit: String?
    package var amount: Int?
    package var amountUSD: String?
    package var until: Int?
    package var untilAt: String?
    package var reason: String?
    package var actor: String?
    package var createdAt: String?
    package var createdAtMs: Int?

    enum CodingKeys: String, CodingKey {
        case limit, subject, removed, unit, amount, until, reason, actor
        case amountUSD = "amount_usd"
        case untilAt = "until_at"
        case createdAt = "created_at"
        case createdAtMs = "created_at_ms"
    }
}
