import GRDB

extension SQLiteLedger {
    package func nextLeaderToken(above: Int, name: String, atMs: Int) async throws(LedgerError) -> Int {
        try await write { db in
            let token = 1 + max(above, try Int.fetchOne(db, sql: "SELECT token FROM leader") ?? 0)
            try db.execute(
                sql: """
                    INSERT INTO leader (id, token, name, since) VALUES (1, ?1, ?2, ?3)
                    ON CONFLICT (id) DO UPDATE SET token = ?1, name = ?2, since = ?3
                    """, arguments: [token, name, atMs])
            return token
        }
    }

    package func openedRun() async throws(LedgerError) -> String? {
        try await read { db in try String.fetchOne(db, sql: "SELECT opened_run FROM leader") }
    }

    package func recordOpened(run: String) async throws(LedgerError) {
        try await write { db in try db.execute(sql: "UPDATE leader SET opened_run = ?", arguments: [run]) }
    }
}
