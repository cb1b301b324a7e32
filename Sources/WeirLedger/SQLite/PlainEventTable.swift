import GRDB
import WeirCore

/// What the ledger is measured by: the columns of `usage_event` in a file of their own, committed as durably, and nothing
/// else that a ledger does: no index but that of the id, no sums, no second look at an event that is there.
package struct PlainEventTable: Sendable {
    private let queue: DatabaseQueue

    package init(path: String) throws(LedgerError) {
        do {
            queue = try DatabaseQueue(path: path)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                try SQLiteLedger.prepareWriter(db)
                let columns = UsageEventColumns.names.dropFirst().joined(separator: ", ")
                try db.execute(sql: "CREATE TABLE usage_event (id TEXT NOT NULL PRIMARY KEY, \(columns))")
            }
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    /// In one transaction.
    package func insert(_ events: ArraySlice<UsageEvent>) async throws(LedgerError) {
        do {
            try await queue.write { db in
                let insert = try BoundStatement(db, sql: UsageEventColumns.insert)
                for event in events {
                    UsageEventColumns.bind(event, to: insert)
                    try insert.write()
                }
            }
        } catch {
            throw LedgerError(error, path: queue.path)
        }
    }

    package func count() async throws(LedgerError) -> Int {
        do {
            return try await queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM usage_event") ?? 0 }
        } catch {
            throw LedgerError(error, path: queue.path)
        }
    }

    package func close() throws(LedgerError) {
        do { try queue.close() } catch { throw LedgerError(error, path: queue.path) }
    }
}
