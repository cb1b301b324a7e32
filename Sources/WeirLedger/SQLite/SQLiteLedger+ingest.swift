import GRDB
import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SQLiteLedger {
    package func ingest(_ events: [UsageEvent], deadLetters: [DeadLetter])
        async throws(LedgerError) -> IngestResult
    {
        for event in events {
            if let fault = event.faultForLedger { throw .invalid("event \(event.id): \(fault)") }
        }
        return try await write { db in
            var batch = try IngestBatch(db)
            for event in events { try batch.add(event) }
            for letter in deadLetters { try batch.add(letter) }
            return try batch.finish()
        }
    }
}

/// One transaction of `ingest`: rows are written as they come, the days' sums once at the end from what was written.
private struct IngestBatch {
    private let db: Database
    private let insert: Statement
    private let standing: Statement
    private let remove: Statement
    private var changes: [SummaryKey: UsageTotals] = [:]
    private var result = IngestResult()

    init(_ db: Database) throws {
        self.db = db
        insert = try db.cachedStatement(sql: UsageEventColumns.insert)
        standing = try db.cachedStatement(sql: UsageEventColumns.selectStanding)
        remove = try db.cachedStatement(sql: "DELETE FROM usage_event WHERE id = ?1 OR corrects = ?1")
    }

    mutating func add(_ event: UsageEvent) throws {
        insert.setUncheckedArguments(UsageEventColumns.arguments(of: event))
        try insert.execute()
        if db.changesCount == 1 {
            changes[SummaryKey(event), default: .zero] += UsageTotals(event)
            result.inserted += 1
        } else if event.outcome != .orphaned, let estimate = try standingOrphan(id: event.id) {
            changes[estimate.key, default: .zero] -= estimate.totals
            remove.setUncheckedArguments([event.id])
            try remove.execute()
            try insert.execute()
            changes[SummaryKey(event), default: .zero] += UsageTotals(event)
            result.replaced += 1
        } else {
            result.duplicates += 1
        }
    }

    /// What stands for an orphan: its event and, if it was repriced meanwhile, the corrections of that.
    private func standingOrphan(id: String) throws -> (key: SummaryKey, totals: UsageTotals)? {
        standing.setUncheckedArguments([id, UsageEvent.Outcome.orphaned.rawValue])
        guard let row = try Row.fetchOne(standing) else { return nil }
        return (SummaryKey(row), UsageTotals(row, at: SummaryKey.columns.count))
    }

    mutating func add(_ letter: DeadLetter) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO dead_letter (stream, stream_id, raw, error, seen_at) SELECT ?1, ?2, ?3, ?4, ?5
                WHERE NOT EXISTS (SELECT 1 FROM dead_letter WHERE stream = ?1 AND stream_id = ?2 AND raw = ?3)
                """)
        statement.setUncheckedArguments([
            letter.stream, letter.streamID, Data(letter.raw), letter.error, letter.seenAtMs,
        ])
        try statement.execute()
        result.deadLetters += db.changesCount
    }

    func finish() throws -> IngestResult {
        let upsert = try db.cachedStatement(sql: DailySummaryStatements.add)
        let empty = try db.cachedStatement(sql: DailySummaryStatements.removeEmpty)
        for (key, totals) in changes where totals != .zero {
            upsert.setUncheckedArguments(StatementArguments(key.values + totals.values))
            try upsert.execute()
            // Only an orphan's replacement takes calls away, and may leave nothing of a sum.
            guard totals.calls < 0 else { continue }
            empty.setUncheckedArguments(StatementArguments(key.values))
            try empty.execute()
        }
        return result
    }
}
