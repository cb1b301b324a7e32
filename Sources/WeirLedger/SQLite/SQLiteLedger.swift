import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The ledger in one SQLite file: WAL, so that readers never wait for the writer, and `synchronous=FULL`, so that what was
/// committed survives a power loss (sqlite.org/wal.html, "Performance Considerations").
package struct SQLiteLedger: AdminLedger {
    let pool: DatabasePool

    /// What a large batch changes stays in memory until it is committed; with SQLite's own 2 MiB it would be written to the
    /// WAL and read back while it goes on.
    private static let writerCacheKiB = 32 << 10
    /// Pages of the WAL that are gathered before they go into the main file, 64 MiB: pages that every batch changes, of sums
    /// and indexes, are then copied once for many batches, not after each one, as with SQLite's own 1,000.
    private static let checkpointPages = 16_000

    /// Opens the file, checks it, and brings its tables up to date; creates it, readable by its owner alone.
    /// - Parameter busyTimeoutMs: how long a write waits for another process's write.
    package init(path: String, busyTimeoutMs: Int = 5000) throws(LedgerError) {
        try Self.makePrivateFile(path)
        do {
            var configuration = Configuration()
            configuration.label = "weir.ledger"
            configuration.foreignKeysEnabled = true
            configuration.busyMode = .timeout(Double(busyTimeoutMs) / 1000)
            pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB sets NORMAL together with WAL, after the connection is prepared.
            try pool.writeWithoutTransaction(Self.prepareWriter)
        } catch {
            throw LedgerError(error, path: path)
        }
        do {
            try Self.check(pool, path: path)
            try SQLiteSchema.migrator.migrate(pool)
            try Self.refuseNewer(pool, path: path)
        } catch {
            try? pool.close()
            throw LedgerError(error, path: path)
        }
    }

    static func prepareWriter(_ db: Database) throws {
        try db.execute(
            sql: """
                -- With NORMAL the last commits could be lost.
                PRAGMA synchronous = FULL;
                PRAGMA cache_size = -\(writerCacheKiB);
                PRAGMA wal_autocheckpoint = \(checkpointPages);
                """)
    }

    package func close() async throws(LedgerError) {
        do {
            try await pool.writeWithoutTransaction { db in
                // So that the main file alone is the whole ledger, as people who copy files expect. While another process
                // has it open this may be impossible, and a question that was cancelled just before may interrupt it;
                // neither does harm.
                do { _ = try db.checkpoint(.truncate) } catch let error as DatabaseError
                    where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_INTERRUPT
                {}
            }
            try pool.close()
        } catch {
            throw LedgerError(error, path: pool.path)
        }
    }

    /// A transaction that begins with the write lock, so that it never fails half-way for want of it.
    func write<T: Sendable>(_ updates: @Sendable (Database) throws -> T) async throws(LedgerError) -> T {
        do { return try await pool.write(updates) } catch { throw LedgerError(error, path: pool.path) }
    }

    /// Reads one state of the ledger, whatever is being written.
    func read<T: Sendable>(_ query: @Sendable (Database) throws -> T) async throws(LedgerError) -> T {
        do { return try await pool.read(query) } catch { throw LedgerError(error, path: pool.path) }
    }

    /// The ledger names people and what they spent. SQLite gives its `-wal` and `-shm` files the mode of the main one, so
    /// it has to be private before SQLite opens it.
    ///
    /// A file that exists is never opened here: closing it again would drop the locks that this process may hold on it
    /// (sqlite.org/howtocorrupt.html, 2.2).
    private static func makePrivateFile(_ path: String) throws(LedgerError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            closeDescriptor(descriptor)
            return
        }
        var code = errno
        if code == EEXIST {
            var status = stat()
            if stat(path, &status) == 0, status.st_mode & 0o007 != 0 { chmod(path, status.st_mode & 0o770) }
            if access(path, R_OK | W_OK) == 0 { return }
            code = errno
        }
        let why = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT: throw .full("\(path): \(why)")
        case EIO, EROFS: throw .io("\(path): \(why)")
        default: throw .invalid("the ledger \(path) cannot be opened for writing: \(why)")
        }
    }

    private static func check(_ pool: DatabasePool, path: String) throws {
        let findings = try pool.read { try String.fetchAll($0, sql: "PRAGMA quick_check(5)") }
        guard findings == ["ok"] else {
            throw LedgerError.corrupt(Self.restoreAdvice(path: path, why: findings.joined(separator: "; ")))
        }
    }

    private static func refuseNewer(_ pool: DatabasePool, path: String) throws {
        let isNewer = try pool.read { try SQLiteSchema.migrator.hasBeenSuperseded($0) }
        if isNewer {
            throw LedgerError.invalid("the ledger \(path) was written by a newer version of Weir; use that version")
        }
    }

    static func restoreAdvice(path: String, why: String) -> String {
        """
        \(path): \(why). Weir does not use a damaged ledger, and changes no limit until it has a sound one. \
        Stop the aggregator, keep this file with its -wal and -shm files, and put your last backup in its place; or recover \
        what can be read with: sqlite3 \(path) .recover | sqlite3 recovered.db
        """
    }
}

/// The C library's `close`, which the ledger's own hides from it.
private func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }
