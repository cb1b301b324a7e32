import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The statements on `usage_event`.
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

    /// What a call costs by now: what it was charged, and every correction of it.
    private static let correctedCost = """
        e.cost_micros + coalesce((SELECT sum(c.cost_micros) FROM usage_event AS c WHERE c.corrects = e.id), 0)
        """

    /// The calls from one moment on and before another, in order of time, then of id, behind one that was read before, with
    /// what they cost by now.
    static let selectPage = """
        SELECT \(corrected)
        FROM usage_event AS e
        WHERE e.corrects IS NULL AND e.called_at >= ?1 AND e.called_at < ?2 AND (e.called_at > ?1 OR e.id > ?3)
        ORDER BY e.called_at, e.id LIMIT ?4
        """

    /// The columns of a call `e`, with what it costs by now.
    static let corrected = names.map { $0 == "cost_micros" ? "\(correctedCost) AS cost_micros" : "e.\($0)" }
        .joined(separator: ", ")

    /// What a standing event with a certain outcome added to the sums.
    static let selectStanding = """
        SELECT called_at, team, user, product, endpoint, model, 1, NOT ok, input_tokens, cache_read_tokens,
          cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, \(correctedCost)
        FROM usage_event AS e WHERE id = ? AND outcome = ?
        """

    /// Those that stand as orphaned, and from the eighth column on what they added to the sums.
    static let selectOrphans = """
        SELECT id, called_at, team, user, product, key, model, 1, NOT ok, input_tokens, cache_read_tokens,
          cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, \(correctedCost)
        FROM usage_event AS e INDEXED BY usage_event_orphaned
        WHERE called_at >= ? AND outcome = 'orphaned' AND corrects IS NULL
        """

    /// In the order of `names`.
    static func bind(_ event: UsageEvent, to statement: BoundStatement) {
        statement.bind(event.id)
        statement.bind(event.calledAtMs)
        statement.bind(event.team)
        statement.bind(event.user)
        statement.bind(event.key)
        statement.bind(event.session)
        statement.bind(event.request)
        statement.bind(event.product)
        statement.bind(event.billable)
        statement.bind(event.callClass)
        statement.bind(event.endpoint)
        statement.bind(event.provider)
        statement.bind(event.role)
        statement.bind(event.task)
        statement.bind(event.requestedModel)
        statement.bind(event.model)
        statement.bind(event.tokens.input)
        statement.bind(event.tokens.cacheRead)
        statement.bind(event.tokens.cacheWrite5m)
        statement.bind(event.tokens.cacheWrite1h)
        statement.bind(event.tokens.output)
        statement.bind(event.tokens.reasoning)
        statement.bind(event.cost.micros)
        statement.bind(event.priceVersion)
        statement.bind(event.isModelKnown)
        statement.bind(event.toolUsed)
        statement.bind(event.latencyMs)
        statement.bind(event.isOK)
        statement.bind(event.status)
        statement.bind(event.outcome.rawValue)
        statement.bind(event.promptVersion)
        statement.bind(extraJSON(event.extra))
    }

    /// One JSON object with its fields in alphabetical order; NULL for nothing.
    private static func extraJSON(_ extra: [String: String]) -> String? {
        guard !extra.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A dictionary of text always has a JSON form.
        return (try? encoder.encode(extra)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Of a row of `names` and then `corrects`.
    static func eventRow(_ row: Row) throws -> EventRow {
        let corrects: String? = row[names.count]
        return EventRow(event: try event(row, isCorrection: corrects != nil), corrects: corrects)
    }

    /// Of a row of `names`.
    /// - Throws: ``LedgerError/corrupt(_:)`` for an outcome that there is not.
    static func event(_ row: Row) throws -> UsageEvent { try event(row, isCorrection: false) }

    private static func event(_ row: Row, isCorrection: Bool) throws -> UsageEvent {
        // A correction did not end in any way: see ``EventRow/outcome``.
        let isRepriced = isCorrection && row[29] == EventRow.repriced
        guard let outcome = isRepriced ? .completed : UsageEvent.Outcome(rawValue: row[29]) else {
            throw LedgerError.corrupt("the event \(row[0] as String) has the outcome \(row[29] as String)")
        }
        return UsageEvent(
            id: row[0], calledAtMs: row[1], team: row[2], user: row[3], key: row[4], session: row[5], request: row[6],
            product: row[7], billable: row[8], callClass: row[9], endpoint: row[10], provider: row[11], role: row[12],
            task: row[13], requestedModel: row[14], model: row[15],
            tokens: TokenUsage(
                input: row[16], cacheRead: row[17], cacheWrite5m: row[18], cacheWrite1h: row[19], output: row[20],
                reasoning: row[21]),
            cost: MicroUSD(micros: row[22]), priceVersion: row[23], isModelKnown: row[24], toolUsed: row[25],
            latencyMs: row[26], isOK: row[27], status: row[28], outcome: outcome, promptVersion: row[30],
            extra: try extra(row[31]))
    }

    /// Text as it is; numbers, which corrections have, as text.
    private static func extra(_ json: String?) throws -> [String: String] {
        guard let json else { return [:] }
        var extra: [String: String] = [:]
        let bytes = Array(json.utf8)
        try JSONScanner.read(bytes) { (scanner) throws(JSONError) in
            var members = try scanner.beginObject()
            while let key = try scanner.nextKey(&members) {
                extra[key] =
                    try scanner.kind() == .string
                    ? try scanner.string() : String(decoding: bytes[try scanner.skip()], as: UTF8.self)
            }
        }
        return extra
    }
}
