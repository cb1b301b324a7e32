import GRDB
import WeirCore
import WeirRedis

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The outbox's SQLite file. WAL and `synchronous=NORMAL`: a commit is a write to the operating system, which survives the
/// death of this process, however it dies; the disk is waited for at checkpoints alone, on a connection of their own.
struct OutboxFile: Sendable {
    let path: String
    let database: DatabaseQueue
    private let checkpoints: DatabaseQueue

    /// One change, in the order of which all are made.
    enum Write: Sendable {
        case insert(OutboxBatch)
        /// The batch whose first settlement has this number.
        case delete(first: Int)
    }

    /// What the file holds.
    struct Content: Sendable, Hashable {
        /// How many settlements of each shard, and of all.
        var rows: [Int: Int] = [:]
        var count = 0
        var lastNumber = 0
        var batches = OutboxBatches()
    }

    /// Beyond so many pages in the WAL writers wait until it has been emptied.
    private static let longestLog = 16_384

    init(path: String) throws(OutboxError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.label = "weir.outbox"
            configuration.journalMode = .wal
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { db in
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            }
            try Self.check(path)
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.writeWithoutTransaction { db in try Self.prepare(db) }
            configuration.label = "weir.outbox.checkpoints"
            checkpoints = try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as OutboxError {
            throw error
        } catch {
            throw Self.unusable(path, error)
        }
    }

    /// Looks at a file that may be damaged, and changes nothing in it.
    private static func check(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        let database = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? database.close() }
        let (findings, version) = try database.read { db in
            (
                try String.fetchAll(db, sql: "PRAGMA quick_check(5)"),
                try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            )
        }
        guard findings == ["ok"] else { throw damaged(path, findings.joined(separator: "; ")) }
        guard [0, 2].contains(version) else {
            throw OutboxError(
                """
                outbox \(path) has version \(version), and this version of Weir knows 2: start the node with the version that \
                wrote it until the outbox is empty (weir_gateway_outbox_rows is 0)
                """)
        }
    }

    private static func prepare(_ db: Database) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA user_version") == 0 else { return }
        try db.inTransaction {
            try db.execute(
                sql: """
                    CREATE TABLE batch (
                        first INTEGER PRIMARY KEY,
                        count INTEGER NOT NULL,
                        at_ms INTEGER NOT NULL,
                        bytes INTEGER NOT NULL,
                        shards TEXT NOT NULL,
                        settlements TEXT NOT NULL
                    ) STRICT;
                    PRAGMA user_version = 2;
                    """)
            return .commit
        }
    }

    static func unusable(_ path: String, _ error: any Error) -> OutboxError {
        guard let error = error as? DatabaseError else { return OutboxError("outbox \(path) cannot be used: \(error)") }
        let text = error.message ?? "SQLite \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return damaged(path, text)
        default: return OutboxError("outbox \(path) cannot be used: \(text)")
        }
    }

    static func damaged(_ path: String, _ why: String) -> OutboxError {
        OutboxError(
            """
            outbox \(path) is damaged: \(why). It may hold calls that the ledger does not have, so the node does not start \
            without it. Read what can be read with: sqlite3 \(path) .recover | sqlite3 recovered.db, and put recovered.db in \
            its place (without -wal and -shm files); or move all three files away, and what only they knew stays uncharged
            """)
    }

    /// Begins `body` on the writer's thread and returns at once.
    func schedule(_ body: @escaping @Sendable (Database) -> Void) { database.asyncWriteWithoutTransaction(body) }

    /// All of them in one transaction.
    func write(_ writes: [Write], to db: Database) throws(OutboxError) {
        do {
            try db.inTransaction(.immediate) {
                let insert = try db.cachedStatement(
                    sql: """
                        INSERT INTO batch (first, count, at_ms, bytes, shards, settlements) VALUES (?, ?, ?, ?, ?, ?)
                        """)
                let delete = try db.cachedStatement(sql: "DELETE FROM batch WHERE first = ?")
                for write in writes {
                    switch write {
                    case .insert(let batch):
                        try insert.execute(arguments: [
                            batch.first, batch.rows.count, batch.atMs, batch.bytes,
                            String(decoding: batch.shards, as: UTF8.self),
                            String(decoding: batch.settlements, as: UTF8.self),
                        ])
                    case .delete(let first): try delete.execute(arguments: [first])
                    }
                }
                return .commit
            }
        } catch {
            throw Self.unusable(path, error)
        }
    }

    /// Brings what the WAL holds to the disk and into the main file, beside the writer; when it has grown too long, while
    /// the writer waits.
    func checkpoint() async throws(OutboxError) {
        do {
            try await checkpoints.writeWithoutTransaction { db in
                let done = try db.checkpoint(.passive)
                if done.walFrameCount > Self.longestLog { _ = try db.checkpoint(.truncate) }
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
        {
            // The next one.
        } catch {
            throw Self.unusable(path, error)
        }
    }

    func close() throws(OutboxError) {
        do {
            try checkpoints.close()
            try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try database.close()
        } catch {
            throw Self.unusable(path, error)
        }
    }
}
