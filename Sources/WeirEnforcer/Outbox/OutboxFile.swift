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
    private let database: DatabaseQueue
    private let checkpoints: DatabaseQueue

    /// One change, in the order of which all are made.
    enum Write: Sendable {
        case insert(OutboxRow)
        /// These rows, by number.
        case delete(ClosedRange<Int>)
    }

    /// What the file holds.
    struct Content: Sendable, Hashable {
        /// How many settlements of each shard, and of all.
        var rows: [Int: Int] = [:]
        var count = 0
        var bytes = 0
        var lastNumber = 0
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
        guard (0...1).contains(version) else {
            throw OutboxError(
                "outbox \(path) has version \(version), and this version of Weir knows 1: start it with the newer one")
        }
    }

    private static func prepare(_ db: Database) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA user_version") == 0 else { return }
        try db.inTransaction {
            try db.execute(
                sql: """
                    CREATE TABLE settlement (
                        number INTEGER PRIMARY KEY,
                        at_ms INTEGER NOT NULL,
                        shard INTEGER NOT NULL,
                        step TEXT NOT NULL,
                        id TEXT NOT NULL,
                        admitted_ms INTEGER,
                        epoch TEXT,
                        bytes INTEGER NOT NULL,
                        counters TEXT NOT NULL,
                        event TEXT NOT NULL
                    ) STRICT;
                    PRAGMA user_version = 1;
                    """)
            return .commit
        }
    }

    private static func unusable(_ path: String, _ error: any Error) -> OutboxError {
        guard let error = error as? DatabaseError else { return OutboxError("outbox \(path) cannot be used: \(error)") }
        let text = error.message ?? "SQLite \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return damaged(path, text)
        default: return OutboxError("outbox \(path) cannot be used: \(text)")
        }
    }

    private static func damaged(_ path: String, _ why: String) -> OutboxError {
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
                        INSERT INTO settlement
                            (number, at_ms, shard, step, id, admitted_ms, epoch, bytes, counters, event)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """)
                let delete = try db.cachedStatement(sql: "DELETE FROM settlement WHERE number BETWEEN ? AND ?")
                for write in writes {
                    switch write {
                    case .insert(let row): try insert.execute(arguments: Self.arguments(row))
                    case .delete(let numbers): try delete.execute(arguments: [numbers.lowerBound, numbers.upperBound])
                    }
                }
                return .commit
            }
        } catch {
            throw Self.unusable(path, error)
        }
    }

    private static func arguments(_ row: OutboxRow) -> StatementArguments {
        [
            row.number, row.atMs, row.script.shard.number, OutboxRow.steps[row.script.end] ?? "", row.script.id.text,
            row.script.admittedMs, row.epoch, row.ticket.bytes, String(decoding: row.counters, as: UTF8.self),
            String(decoding: row.script.event, as: UTF8.self),
        ]
    }

    func content() throws(OutboxError) -> Content {
        do {
            return try database.read { db in
                var content = Content()
                for row in try Row.fetchAll(
                    db, sql: "SELECT shard, count(*) AS rows, sum(bytes) AS bytes FROM settlement GROUP BY shard")
                {
                    content.rows[row["shard"]] = row["rows"]
                    content.count += row["rows"] as Int
                    content.bytes += row["bytes"] as Int
                }
                content.lastNumber = try Int.fetchOne(db, sql: "SELECT max(number) FROM settlement") ?? 0
                return content
            }
        } catch {
            throw Self.unusable(path, error)
        }
    }

    /// When the oldest row was made, milliseconds since 1970; nil: there is none.
    func oldestAtMs() async throws(OutboxError) -> Int? {
        try await read { try Int.fetchOne($0, sql: "SELECT at_ms FROM settlement ORDER BY number LIMIT 1") }
    }

    /// A row as it was read, or why it cannot be.
    enum Found: Sendable {
        case row(OutboxRow)
        case unreadable(number: Int, why: String)

        var number: Int {
            switch self {
            case .row(let row): row.number
            case .unreadable(let number, _): number
            }
        }
    }

    func rows(in numbers: ClosedRange<Int>, count: Int) async throws(OutboxError) -> [Found] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM settlement WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?",
                arguments: [numbers.lowerBound, numbers.upperBound, count]
            ).map(Self.found)
        }
    }

    func rows(_ numbers: [Int]) async throws(OutboxError) -> [Found] {
        try await read { db in
            let statement = try db.cachedStatement(sql: "SELECT * FROM settlement WHERE number = ?")
            return try numbers.compactMap { try Row.fetchOne(statement, arguments: [$0]).map(Self.found) }
        }
    }

    private static func found(_ row: Row) -> Found {
        let number: Int = row["number"]
        let step: String = row["step"]
        let id: String = row["id"]
        let shard: Int = row["shard"]
        guard let end = OutboxRow.steps.first(where: { $0.value == step })?.key, let id = ReservationID(id),
            (0...99).contains(shard)
        else { return .unreadable(number: number, why: "no step, id or shard: \(step) \(id) \(shard)") }
        do {
            let counters: String = row["counters"]
            let event: String = row["event"]
            let script = EndScript(
                end, shard: Shard(number: shard), id: id, admittedMs: row["admitted_ms"], event: Array(event.utf8),
                counters: try OutboxRow.counters(Array(counters.utf8)))
            return .row(OutboxRow(number: number, script: script, epoch: row["epoch"], atMs: row["at_ms"]))
        } catch {
            return .unreadable(number: number, why: "\(error)")
        }
    }

    private func read<T: Sendable>(_ query: @Sendable @escaping (Database) throws -> T) async throws(OutboxError) -> T {
        do { return try await database.read(query) } catch { throw Self.unusable(path, error) }
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
