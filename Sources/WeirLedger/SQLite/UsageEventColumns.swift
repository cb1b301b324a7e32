import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The statements on `usage_event`. Values are bound by position, without Codable: half the time of an insert.
enum UsageEventColumns {
    static let names = [
        "id", "called_at", "team", "user", "key", "session", "request", "product", "billable", "class", "endpoint",
        "provider", "role", "task", "requested_model", "model", "input_tokens", "cache_read_tokens",
        "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "cost_micros",
        "price_version", "known_model", "tool_used", "latency_ms", "ok", "status", "outcome", "prompt_version", "extra",
    ]

    static let insert = """
        INSERT INTO usage_event (\(names.joined(separator: ", ")))
        VALUES (\(names.map { _ in "?" }.joined(separator: ", "))) ON CONFLICT (id) DO NOTHING
        """

    /// What a standing event with a certain outcome added to the sums.
    static let selectStanding = """
        SELECT called_at, team, user, product, endpoint, model, 1, NOT ok, input_tokens, cache_read_tokens,
          cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
          cost_micros + coalesce((SELECT sum(c.cost_micros) FROM usage_event AS c WHERE c.corrects = e.id), 0)
        FROM usage_event AS e WHERE id = ? AND outcome = ?
        """

    /// In the order of `names`.
    static func arguments(of event: UsageEvent) -> StatementArguments {
        var values: [DatabaseValue] = []
        values.reserveCapacity(names.count)
        func add(_ value: some DatabaseValueConvertible) { values.append(value.databaseValue) }
        func add(ifPresent text: String?) { values.append(text?.databaseValue ?? .null) }
        add(event.id)
        add(event.calledAtMs)
        add(event.team)
        add(ifPresent: event.user)
        add(ifPresent: event.key)
        add(ifPresent: event.session)
        add(ifPresent: event.request)
        add(event.product)
        add(event.billable)
        add(event.callClass)
        add(event.endpoint)
        add(event.provider)
        add(ifPresent: event.role)
        add(ifPresent: event.task)
        add(event.requestedModel)
        add(event.model)
        add(event.tokens.input)
        add(event.tokens.cacheRead)
        add(event.tokens.cacheWrite5m)
        add(event.tokens.cacheWrite1h)
        add(event.tokens.output)
        add(event.tokens.reasoning)
        add(event.cost.micros)
        add(event.priceVersion)
        add(event.isModelKnown)
        add(ifPresent: event.toolUsed)
        add(event.latencyMs)
        add(event.isOK)
        add(event.status)
        add(event.outcome.rawValue)
        add(ifPresent: event.promptVersion)
        add(ifPresent: extraJSON(event.extra))
        return StatementArguments(values)
    }

    /// One JSON object with its fields in alphabetical order; NULL for nothing.
    private static func extraJSON(_ extra: [String: String]) -> String? {
        guard !extra.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A dictionary of text always has a JSON form.
        return (try? encoder.encode(extra)).map { String(decoding: $0, as: UTF8.self) }
    }
}
