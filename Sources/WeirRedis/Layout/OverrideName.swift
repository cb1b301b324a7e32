import WeirCore

/// What an override is of: one limit's amount for one subject.
package struct OverrideName: Sendable, Hashable {
    package let limit: Limit.ID
    /// ``Subject/text``.
    package let subject: String

    package init(limit: Limit.ID, subject: String) {
        self.limit = limit
        self.subject = subject
    }

    /// `spend:user:acme/alice`. A limit's id has no colon, so this is never ambiguous; nil without one.
    package init?(text: some StringProtocol) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        self.init(limit: String(text[..<colon]), subject: String(text[text.utf8.index(after: colon)...]))
    }

    package var text: String { "\(limit):\(subject)" }

    /// `weir:override:spend:user:acme/alice`.
    package var key: String { RedisKeys.overridePrefix + text }

    /// An amount as it stands in Redis: digits, in the limit's unit (micro-dollars for money); 0 is unlimited. Nil for
    /// whatever else somebody wrote there.
    package static func amount(_ text: String) -> Int? {
        guard (1...16).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let amount = Int(text), amount <= .largestExact
        else { return nil }
        return amount
    }

    /// The commands that put it into force, until `untilMs` (milliseconds since 1970; nil: for good), and say that it is
    /// the ledger's. Repeating them changes nothing.
    package func publish(amount: Int, untilMs: Int?) -> [[RedisArgument]] {
        var set: [RedisArgument] = ["SET", .string(key), .int(amount)]
        if let untilMs { set += ["PXAT", .int(untilMs)] }
        return [["SADD", .string(RedisKeys.overridesOfLedger), .string(text)], set]
    }

    /// The commands that take it back.
    package var withdraw: [[RedisArgument]] {
        [["DEL", .string(key)], ["SREM", .string(RedisKeys.overridesOfLedger), .string(text)]]
    }
}
