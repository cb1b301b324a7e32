import GRDB

extension SQLiteLedger {
    package func standing() async throws(LedgerError) -> [StandingEntry] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT kind, name, value FROM standing ORDER BY kind, name").compactMap { row in
                StandingEntry.Kind(rawValue: row[0]).map { StandingEntry($0, row[1], row[2]) }
            }
        }
    }

    package func changeStanding(
        set: [StandingEntry], remove: [StandingEntry.Place], audit: [AuditEntry]
    ) async throws(LedgerError) {
        try await write { db in
            for place in remove {
                try db.execute(
                    sql: "DELETE FROM standing WHERE kind = ? AND name = ?",
                    arguments: [place.kind.rawValue, place.name])
            }
            for entry in set {
                try db.execute(
                    sql: """
                        INSERT INTO standing (kind, name, value) VALUES (?, ?, ?)
                        ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value
                        """, arguments: [entry.place.kind.rawValue, entry.place.name, entry.value])
            }
            for entry in audit { try Self.append(entry, to: db) }
        }
    }
}
