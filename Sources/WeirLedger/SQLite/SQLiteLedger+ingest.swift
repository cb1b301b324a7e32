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
    private let insert: BoundStatement
    private var changes = SummaryChanges()
    private var result = IngestResult()

    init(_ db: Database) throws {
        self.db = db
        insert = try BoundStatement(db, sql: UsageEventColumns.insert)
    }

    mutating func add(_ event: UsageEvent) throws {
        if try write(event) {
            result.inserted += 1
        } else if event.outcome != .orphaned, let estimate = try standingOrphan(id: event.id) {
            changes.subtract(estimate.totals, at: estimate.key)
            try db.cachedStatement(sql: "DELETE FROM usage_event WHERE id = ?1 OR corrects = ?1")
                .execute(arguments: [event.id])
            _ = try write(event)
            result.replaced += 1
        } else {
            result.duplicates += 1
        }
    }

    /// False: one of its id stands.
    private mutating func write(_ event: UsageEvent) throws -> Bool {
        UsageEventColumns.bind(event, to: insert)
        guard try insert.write() == 1 else { return false }
        changes.add(UsageTotals(event), at: SummaryKey(event))
        return true
    }

    /// What stands for an orphan: its event and, if it was repriced meanwhile, the corrections of that.
    private func standingOrphan(id: String) throws -> (key: SummaryKey, totals: UsageTotals)? {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: UsageEventColumns.selectStanding),
            arguments: [id, UsageEvent.Outcome.orphaned.rawValue])
        return row.map { (SummaryKey($0), UsageTotals($0, at: SummaryKey.columns.count)) }
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
        try changes.write(to: db)
        return result
    }
}
