import GRDB
import WeirCore

/// How far one page of a search looks.
package enum EventSearch {
    /// A question is answered in bounded time, however rare what it looks for is: the page says where to go on.
    package static let mostScanned = 50_000
}

extension SQLiteLedger {
    private static let columns = (UsageEventColumns.names + ["corrects"]).joined(separator: ", ")

    package func events(_ filter: EventFilter, before place: ExportedEvent.Place?, limit: Int)
        async throws(LedgerError) -> EventRows
    {
        let untilMs = min(filter.toMs - 1, place?.calledAtMs ?? .max)
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT \(Self.columns), (?5 IS NULL OR user IS ?5) AND (?6 IS NULL OR key IS ?6)
                      AND (?7 IS NULL OR product = ?7) AND (?8 IS NULL OR model = ?8) AND (?9 IS NULL OR outcome = ?9)
                    FROM usage_event
                    WHERE called_at >= ?1 AND called_at <= ?2 AND (called_at < ?2 OR id < ?3 OR ?3 IS NULL)
                      AND \(filter.team == nil ? "?4 IS NULL" : "team = ?4")
                    ORDER BY called_at DESC, id DESC
                    """)
            let rows = try Row.fetchCursor(
                statement,
                arguments: [
                    filter.fromMs, untilMs, place?.calledAtMs == untilMs ? place?.id : nil, filter.team, filter.user,
                    filter.key, filter.product, filter.model, filter.outcome?.rawValue,
                ])
            var found = EventRows(rows: [])
            var scanned = 0
            while let row = try rows.next() {
                scanned += 1
                if row[UsageEventColumns.names.count + 1] as Bool { found.rows.append(try Self.eventRow(row)) }
                if found.rows.count == limit || scanned == EventSearch.mostScanned {
                    // Whether there is more is known only by asking.
                    found.next = ExportedEvent.Place(calledAtMs: row[1], id: row[0])
                    break
                }
            }
            return found
        }
    }

    package func event(id: String) async throws(LedgerError) -> (event: EventRow, corrections: [EventRow])? {
        try await read { db in
            let event = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT \(Self.columns) FROM usage_event WHERE id = ?"), arguments: [id])
            guard let event else { return nil }
            let corrections = try Row.fetchAll(
                db.cachedStatement(
                    sql: "SELECT \(Self.columns) FROM usage_event WHERE corrects = ? ORDER BY rowid"), arguments: [id])
            return (try Self.eventRow(event), try corrections.map(Self.eventRow))
        }
    }

    private static func eventRow(_ row: Row) throws -> EventRow {
        EventRow(event: try UsageEventColumns.event(row), corrects: row[UsageEventColumns.names.count])
    }
}
