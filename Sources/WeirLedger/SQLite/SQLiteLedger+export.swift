import GRDB
import WeirCore

extension SQLiteLedger {
    package func exportEvents(in days: DayRange, after: ExportedEvent.Place?, limit: Int)
        async throws(LedgerError) -> [ExportedEvent]
    {
        let pairs = (UsageEventColumns.names + ["corrects"]).map { name in
            name == "extra" ? "'extra', json(extra)" : "'\(name)', \(name)"
        }
        let sql = """
            SELECT called_at, id, json_object(\(pairs.joined(separator: ", "))) FROM usage_event
            WHERE called_at >= ?1 AND called_at < ?2 AND (called_at, id) > (?3, ?4)
            ORDER BY called_at, id LIMIT ?5
            """
        let (startMs, endMs) = (days.first.startMs, days.last.startMs + UTCDay.lengthMs)
        return try await read { db in
            try Row.fetchAll(
                db, sql: sql, arguments: [startMs, endMs, after?.calledAtMs ?? -1, after?.id ?? "", limit]
            ).map { ExportedEvent(place: .init(calledAtMs: $0[0], id: $0[1]), json: $0[2]) }
        }
    }
}
