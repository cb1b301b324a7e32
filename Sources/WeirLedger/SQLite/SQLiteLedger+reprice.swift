import GRDB
import WeirCore

extension SQLiteLedger {
    package func reprice(_ days: DayRange, by history: PriceHistory, dryRun: Bool, audit: AuditEntry)
        async throws(LedgerError) -> RepriceResult
    {
        // A dry run reads one state and holds up nobody.
        if dryRun { return try await read { db in try Repricing(db, history).result(of: days) } }
        return try await write { db in
            let result = try Repricing(db, history).correct(days, atMs: audit.atMs)
            if result.corrected > 0 {
                var audit = audit
                audit.after = "\(result.corrected) calls, \(result.differenceMicros) micro-dollars"
                try Self.append(audit, to: db)
            }
            return result
        }
    }
}

/// One repricing, within a transaction.
private struct Repricing {
    private let db: Database
    private let history: PriceHistory

    init(_ db: Database, _ history: PriceHistory) {
        self.db = db
        self.history = history
    }

    /// A call whose cost is not what it has been charged.
    private struct Correction {
        let id: String
        let difference: Int
        let key: SummaryKey
    }

    func result(of days: DayRange) throws -> RepriceResult { try difference(in: days).result }

    /// The corrections as events of their own, and the sums with them.
    func correct(_ days: DayRange, atMs: Int) throws -> RepriceResult {
        let (corrections, result) = try difference(in: days)
        let insert = try db.cachedStatement(sql: Self.insert)
        var changes = SummaryChanges()
        for correction in corrections {
            try insert.execute(
                arguments: [correction.id, correction.difference, history.version, atMs])
            changes.add(UsageTotals(cost: MicroUSD(micros: correction.difference)), at: correction.key)
        }
        try changes.write(to: db)
        return result
    }

    private func difference(in days: DayRange) throws -> (corrections: [Correction], result: RepriceResult) {
        var repricer = Repricer(history)
        var result = RepriceResult()
        var corrections: [Correction] = []
        let (startMs, endMs) = (days.first.startMs, days.last.startMs + UTCDay.lengthMs)
        let rows = try Row.fetchCursor(db, sql: Self.select, arguments: [startMs, endMs, UsageEvent.unpricedOption])
        while let row = try rows.next() {
            result.events += 1
            let charged: Int = row[Self.charged]
            guard let cost = repricer.cost(of: Self.call(row)) else {
                result.unpriced += 1
                continue
            }
            let difference = cost.micros - charged
            guard difference != 0 else { continue }
            result.corrected += 1
            result.differenceMicros = result.differenceMicros.addingSaturated(difference)
            corrections.append(Correction(id: row[Self.id], difference: difference, key: SummaryKey(row)))
        }
        return (corrections, result)
    }

    /// The columns of ``SummaryKey`` first.
    private static let select = """
        SELECT called_at, team, user, product, endpoint, model, id, provider, requested_model, input_tokens,
          cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
          cost_micros + coalesce((SELECT sum(c.cost_micros) FROM usage_event AS c WHERE c.corrects = e.id), 0),
          coalesce(extra ->> '$.batch', '') = 'true', coalesce(extra ->> ('$.' || ?3), '') <> ''
        FROM usage_event AS e WHERE called_at >= ?1 AND called_at < ?2 AND corrects IS NULL
          AND input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + output_tokens > 0
        ORDER BY called_at, id
        """
    private static let id = 6
    private static let charged = 15

    private static func call(_ row: Row) -> ChargedCall {
        ChargedCall(
            calledAtMs: row[0], provider: row[7], requestedModel: row[8], model: row[5],
            tokens: TokenUsage(
                input: row[9], cacheRead: row[10], cacheWrite5m: row[11], cacheWrite1h: row[12], output: row[13],
                reasoning: row[14]), isBatch: row[16], hasUnpricedOption: row[17])
    }

    /// As the call that it corrects, at the same moment, so that it counts in the same sum; without tokens, and not a call.
    private static let insert = """
        INSERT INTO usage_event (\((UsageEventColumns.names + ["corrects"]).joined(separator: ", ")))
        SELECT id || ':' || (1 + (SELECT count(*) FROM usage_event AS c WHERE c.corrects = e.id)), called_at, team, user,
          key, session, request, product, billable, class, endpoint, provider, role, task, requested_model, model,
          0, 0, 0, 0, 0, 0, ?2, ?3, 1, NULL, 0, 1, 0, 'repriced', prompt_version,
          json_object('corrected_price_version', price_version, 'repriced_at', ?4), id
        FROM usage_event AS e WHERE id = ?1
        """
}
