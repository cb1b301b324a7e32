import GRDB
import WeirCore

/// How far one page of a search looks.
package enum EventSearch {
    /// A question is answered in bounded time, however rare what it looks for is: the page says where to go on.
    package static let mostScanned = 50_000
}

extension SQLiteLedger {
    package func events(_ filter: EventFilter, before place: ExportedEvent.Place?, limit: Int)
        async throws(LedgerError) -> EventRows
    {
        let untilMs = min(filter.toMs.addingSaturated(-1), place?.calledAtMs ?? .max)
        return try await read { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(sql: Self.select(filter)),
                arguments: [
                    filter.fromMs, untilMs, place?.calledAtMs == untilMs ? place?.id : nil, filter.team, filter.user,
                    filter.key, filter.product, filter.model, filter.outcome?.rawValue,
                ])
            var found = EventRows(rows: [])
            var scanned = 0
            while let row = try rows.next() {
                scanned += 1
                if row[UsageEventColumns.names.count + 1] as Bool {
                    if found.rows.count == limit {
                        found.next = found.rows.last.map { .init(calledAtMs: $0.event.calledAtMs, id: $0.event.id) }
                        break
                    }
                    found.rows.append(try UsageEventColumns.eventRow(row))
                }
                if scanned == EventSearch.mostScanned {
                    found.next = ExportedEvent.Place(calledAtMs: row[1], id: row[0])
                    break
                }
            }
            return found
        }
    }

    /// Event by event from the newest on, each with whether it matches. One team's are found by the index of teams, all others
    /// by that of times.
    private static func select(_ filter: EventFilter) -> String {
        let isOfTeam = filter.team != nil
        return """
            SELECT \(filter.corrections == .added ? UsageEventColumns.corrected : plain), e.corrects,
              (?5 IS NULL OR e.user IS ?5) AND (?6 IS NULL OR e.key IS ?6) AND (?7 IS NULL OR e.product = ?7)
                AND (?8 IS NULL OR e.model = ?8) AND (?9 IS NULL OR e.outcome = ?9)
            FROM usage_event AS e INDEXED BY \(isOfTeam ? "usage_event_team" : "usage_event_called_at")
            WHERE e.called_at >= ?1 AND e.called_at <= ?2 AND (e.called_at < ?2 OR e.id < ?3 OR ?3 IS NULL)
              AND \(isOfTeam ? "e.team = ?4" : "?4 IS NULL")
              \(filter.corrections == .added ? "AND e.corrects IS NULL" : "")
            ORDER BY e.called_at DESC, e.id DESC
            """
    }

    private static let plain = UsageEventColumns.names.map { "e.\($0)" }.joined(separator: ", ")

    package func event(id: String) async throws(LedgerError) -> (event: EventRow, corrections: [EventRow])? {
        try await read { db in
            func select(_ column: String) throws -> Statement {
                try db.cachedStatement(
                    sql: "SELECT \(Self.plain), e.corrects FROM usage_event AS e WHERE e.\(column) = ? ORDER BY rowid")
            }
            guard let event = try Row.fetchOne(select("id"), arguments: [id]) else { return nil }
            let corrections = try Row.fetchAll(select("corrects"), arguments: [id])
            return (try UsageEventColumns.eventRow(event), try corrections.map(UsageEventColumns.eventRow))
        }
    }
}
