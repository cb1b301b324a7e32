import WeirCore
import WeirLedger
import WeirProviders

/// A call as the ledger has it, its fields named as the columns of `usage_event`; or a correction of one.
package struct EventDescription: Codable, Sendable, Equatable {
    package var id: String
    package var calledAt: String
    package var calledAtMs: Int
    package var team: String
    package var user: String?
    package var key: String?
    package var session: String?
    package var request: String?
    package var product: String
    package var billable: Bool
    package var callClass: String
    package var endpoint: String
    package var provider: String
    package var role: String?
    package var task: String?
    package var requestedModel: String
    package var model: String
    package var inputTokens: Int
    package var cacheReadTokens: Int
    package var cacheWrite5mTokens: Int
    package var cacheWrite1hTokens: Int
    package var outputTokens: Int
    package var reasoningTokens: Int
    package var costMicros: Int
    package var costUSD: String
    package var priceVersion: String
    package var knownModel: Bool
    package var toolUsed: String?
    package var latencyMs: Int
    package var ok: Bool
    package var status: Int
    package var outcome: String
    package var promptVersion: String?
    package var extra: [String: String]
    /// The id of the call whose cost this corrects.
    package var corrects: String?

    init(_ row: EventRow) {
        let event = row.event
        id = event.id
        calledAt = rfc3339(ms: event.calledAtMs)
        calledAtMs = event.calledAtMs
        team = event.team
        user = event.user
        key = event.key
        session = event.session
        request = event.request
        product = event.product
        billable = event.billable
        callClass = event.callClass
        endpoint = event.endpoint
        provider = event.provider
        role = event.role
        task = event.task
        requestedModel = event.requestedModel
        model = event.model
        inputTokens = event.tokens.input
        cacheReadTokens = event.tokens.cacheRead
        cacheWrite5mTokens = event.tokens.cacheWrite5m
        cacheWrite1hTokens = event.tokens.cacheWrite1h
        outputTokens = event.tokens.output
        reasoningTokens = event.tokens.reasoning
        costMicros = event.cost.micros
        costUSD = event.cost.description
        priceVersion = event.priceVersion
        knownModel = event.isModelKnown
        toolUsed = event.toolUsed
        latencyMs = event.latencyMs
        ok = event.isOK
        status = event.status
        outcome = row.outcome
        promptVersion = event.promptVersion
        extra = event.extra
        corrects = row.corrects
    }

    enum CodingKeys: String, CodingKey {
        case id, team, user, key, session, request, product, billable, endpoint, provider, role, task, model, ok,
            status,
            outcome, extra, corrects
        case calledAt = "called_at"
        case calledAtMs = "called_at_ms"
        case callClass = "class"
        case requestedModel = "requested_model"
        case inputTokens = "input_tokens"
        case cacheReadTokens = "cache_read_tokens"
        case cacheWrite5mTokens = "cache_write_5m_tokens"
        case cacheWrite1hTokens = "cache_write_1h_tokens"
        case outputTokens = "output_tokens"
        case reasoningTokens = "reasoning_tokens"
        case costMicros = "cost_micros"
        case costUSD = "cost_usd"
        case priceVersion = "price_version"
        case knownModel = "known_model"
        case toolUsed = "tool_used"
        case latencyMs = "latency_ms"
        case promptVersion = "prompt_version"
    }
}

/// Calls and corrections, newest first. A page may have fewer than were asked for, even none, and go on all the same.
package struct EventList: AdminList {
    package var events: [EventDescription]
    package var nextCursor: String?

    package var items: [EventDescription] {
        get { events }
        set { events = newValue }
    }

    enum CodingKeys: String, CodingKey {
        case events
        case nextCursor = "next_cursor"
    }
}

/// All that is known of one call.
package struct EventStory: Codable, Sendable, Equatable {
    package var id: String
    /// `live`: it still runs; `ended`: it is in the ledger.
    package var state: String
    /// Of a live call as it was last observed; nil: nothing was yet.
    package var event: EventDescription?
    /// What repricing added, oldest first.
    package var corrections: [EventDescription]
    /// What it costs by now, corrections included.
    package var costMicros: Int
    package var costUSD: String
    /// What it held of which limits, while Redis knows it: until it has ended, and if it was given back or its node died
    /// for some minutes more. Nil: not known any more.
    package var reservation: EventReservation?

    enum CodingKeys: String, CodingKey {
        case id, state, event, corrections, reservation
        case costMicros = "cost_micros"
        case costUSD = "cost_usd"
    }
}

/// A reservation as Redis has it.
package struct EventReservation: Codable, Sendable, Equatable {
    /// `held`, `settled`, `released` or `orphaned`.
    package var state: String
    package var admittedAt: String?
    package var leaseEndsAt: String?
    package var holds: [EventHold]

    enum CodingKeys: String, CodingKey {
        case state, holds
        case admittedAt = "admitted_at"
        case leaseEndsAt = "lease_ends_at"
    }
}

/// What a call held of one limit's counter.
package struct EventHold: Codable, Sendable, Equatable {
    package var limit: String?
    /// Nil: the limit does not cover the model that serves the call.
    package var unit: String?
    /// In the unit's integers; nil: not known here, since it is held in another shard.
    package var held: Int?
    package var redisKey: String

    enum CodingKeys: String, CodingKey {
        case limit, unit, held
        case redisKey = "redis_key"
    }
}
