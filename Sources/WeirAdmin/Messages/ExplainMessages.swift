import WeirCore
import WeirEnforcer
import WeirProviders

/// What would become of a call now, and every limit that has a say in it.
package struct ExplainAnswer: Codable, Sendable {
    package var call: ExplainedCall
    package var policyVersion: Int
    /// Redis's time: `2026-11-21T10:48:00Z`.
    package var at: String
    package var verdict: ExplainedVerdict
    package var limits: [ExplainedLimitLine]

    init(
        _ call: ExplainedCall, policy: Policy, nowMs: Int, _ verdict: ExplainedVerdict, limits: [ExplainedLimitLine]
    ) {
        self.call = call
        policyVersion = policy.version
        at = rfc3339(ms: nowMs)
        self.verdict = verdict
        self.limits = limits
    }

    enum CodingKeys: String, CodingKey {
        case call, at, verdict, limits
        case policyVersion = "policy_version"
    }
}

/// The call as it is understood.
package struct ExplainedCall: Codable, Sendable, Equatable {
    package var team: String
    package var user: String?
    package var groups: [String]
    /// The key's id.
    package var key: String
    package var product: String?
    package var callClass: String?
    package var ip: String?
    package var model: String
    package var provider: String?
    /// At most; what stands around any text if it is not said.
    package var inputTokens: Int?
    /// The model's ceiling if it is not said.
    package var maxTokens: Int?

    init(_ question: ExplainQuestion, _ record: APIKeyRecord) {
        team = record.team
        user = record.user
        groups = record.groups
        key = record.id
        product = question.product
        ip = question.ip
        model = question.model
        provider = question.provider?.rawValue
        inputTokens = question.inputTokens
        maxTokens = question.maxTokens
    }

    enum CodingKeys: String, CodingKey {
        case team, user, groups, key, product, ip, model, provider
        case callClass = "class"
        case inputTokens = "input_tokens"
        case maxTokens = "max_tokens"
    }
}

/// Admitted, and by which model; or denied, with the object `weir` of the denial.
package struct ExplainedVerdict: Codable, Sendable, Equatable {
    package var admitted: Bool
    package var model: String?
    /// The model that would serve but for a budget.
    package var downgradedFrom: String?
    /// What `clamp` lowers `max_tokens` to.
    package var maxTokens: Int?
    package var message: String?
    package var weir: Reason?

    /// As every denial of a gateway has it.
    package struct Reason: Codable, Sendable, Equatable {
        package var reason: String
        package var limit: String?
        package var subject: String?
        package var unit: String?
        package var used: Int?
        package var reserved: Int?
        package var amount: Int?
        package var amountSource: String?
        package var resetsAt: String?
        package var retryAfter: Int?

        init(_ denial: Denial) {
            reason = denial.reason.rawValue
            limit = denial.limit
            subject = denial.subject
            unit = denial.unit?.rawValue
            used = denial.used
            reserved = denial.reserved
            amount = denial.amount
            amountSource = denial.amountSource?.text
            resetsAt = denial.resetsAtMs.map(rfc3339)
            retryAfter = denial.retryAfter
        }

        enum CodingKeys: String, CodingKey {
            case reason, limit, subject, unit, used, reserved, amount
            case amountSource = "amount_source"
            case resetsAt = "resets_at"
            case retryAfter = "retry_after"
        }
    }

    static func denied(_ denial: Denial) -> ExplainedVerdict {
        ExplainedVerdict(admitted: false, message: denial.message, weir: Reason(denial))
    }

    init(_ verdict: Explanation.Verdict, _ asked: String, _ serving: ServingModels, _ facts: RequestFacts) {
        switch verdict {
        case .denied(let denial): self = .denied(denial)
        case .admitted(let candidate, let bound):
            self.init(
                admitted: true, model: serving.candidates[candidate].model,
                downgradedFrom: candidate > 0 ? serving.candidates[0].model : nil,
                maxTokens: bound.map {
                    facts.outputBound(within: $0.tokens, $0.cost, with: serving.prices[candidate])
                })
        }
    }

    private init(
        admitted: Bool, model: String? = nil, downgradedFrom: String? = nil, maxTokens: Int? = nil,
        message: String? = nil, weir: Reason? = nil
    ) {
        self.admitted = admitted
        self.model = model
        self.downgradedFrom = downgradedFrom
        self.maxTokens = maxTokens
        self.message = message
        self.weir = weir
    }

    enum CodingKeys: String, CodingKey {
        case admitted, model, message, weir
        case downgradedFrom = "downgraded_from"
        case maxTokens = "max_tokens"
    }
}

/// One limit that covers the call. Amounts are in the unit's integers: micro-dollars for `usd`; 0 is unlimited.
package struct ExplainedLimitLine: Codable, Sendable, Equatable {
    package var limit: String
    package var subject: String
    package var unit: String
    /// One of the two, or neither for calls at once.
    package var windowMs: Int?
    package var period: String?
    package var amount: Int
    /// `default`, `group:contractors`, `override`.
    package var amountSource: String
    /// Of a limit with `enforce: ledger` what the ledger has.
    package var used: Int
    package var reserved: Int
    /// Nil: unlimited.
    package var remaining: Int?
    /// What the call would hold; nil: nothing, of the ledger's limits and of those of other models.
    package var cost: Int?
    package var resetsAt: String?
    package var enforce: String
    /// The call does not fit: of a limit in shadow, too.
    package var exceeded: Bool
    package var wouldDeny: Bool
    /// The Redis key of its counter, or of the limited set.
    package var redisKey: String

    init(_ explained: ExplainedLimit) {
        limit = explained.limit.id
        subject = explained.subject
        unit = explained.limit.unit.rawValue
        switch explained.limit.span {
        case .window(let ms): windowMs = ms
        case .period(let kind): period = kind.rawValue
        case .inFlight: break
        }
        amount = explained.amount
        amountSource = explained.source.text
        used = explained.used
        reserved = explained.reserved
        remaining = explained.remaining
        cost = explained.cost
        resetsAt = explained.resetsAtMs.map(rfc3339)
        enforce = explained.limit.enforce.rawValue
        exceeded = explained.isExceeded
        wouldDeny = explained.wouldDeny
        redisKey = explained.key
    }

    enum CodingKeys: String, CodingKey {
        case limit, subject, unit, period, amount, used, reserved, remaining, cost, enforce, exceeded
        case windowMs = "window_ms"
        case amountSource = "amount_source"
        case resetsAt = "resets_at"
        case wouldDeny = "would_deny"
        case redisKey = "redis_key"
    }
}
