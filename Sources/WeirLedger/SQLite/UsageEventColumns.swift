import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The statements on `usage_event`. Values are bound by position, without Codable: half the time of an insert.
enum UsageEventColumns {
    private static let names = [
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
          cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_micros
        FROM usage_event WHERE id = ? AND outcome = ?
        """

    /// In the order of `names`.
    static func arguments(of event: UsageEvent) -> StatementArguments {
        func value(_ text: String?) -> DatabaseValue { text?.databaseValue ?? .null }
        return StatementArguments([
            event.id.databaseValue, event.calledAtMs.databaseValue, event.team.databaseValue, value(event.user),
            value(event.key), value(event.session), value(event.request), event.product.databaseValue,
            event.billable.databaseValue, event.callClass.databaseValue, event.endpoint.databaseValue,
            event.provider.databaseValue, value(event.role), value(event.task), event.requestedModel.databaseValue,
            event.model.databaseValue, event.tokens.input.databaseValue, event.tokens.cacheRead.databaseValue,
            event.tokens.cacheWrite5m.databaseValue, event.tokens.cacheWrite1h.databaseValue,
            event.tokens.output.databaseValue, event.tokens.reasoning.databaseValue,
            event.cost.micros.databaseValue, event.priceVersion.databaseValue, event.isModelKnown.databaseValue,
            value(event.toolUsed), event.latencyMs.databaseValue, event.isOK.databaseValue,
            event.status.databaseValue, event.outcome.rawValue.databaseValue, value(event.promptVersion),
            value(extraJSON(event.extra)),
        ])
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
