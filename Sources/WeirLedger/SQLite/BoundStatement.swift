import GRDB
import GRDBSQLite

/// A statement that writes many rows: its arguments are bound by SQLite's own functions, in turn.
///
/// GRDB's way makes a value of each argument, and SQLite a copy of each text: more than half of the time of an insert.
/// Not for statements that return rows.
final class BoundStatement {
    private let statement: Statement
    private let connection: OpaquePointer
    private var count: Int32 = 0
    private var problem = SQLITE_OK
    /// The texts of one row stand here until it is written, so that SQLite need not copy them.
    private let texts = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
    private var used = 0

    /// - Parameter db: to be used within one access to it, as the statement itself.
    init(_ db: Database, sql: String) throws {
        statement = try db.cachedStatement(sql: sql)
        guard let connection = db.sqliteConnection else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        self.connection = connection
    }

    deinit {
        // The statement lives on in GRDB's cache, and must not know texts that are gone.
        sqlite3_clear_bindings(statement.sqliteStatement)
        texts.deallocate()
    }

    func bind(_ number: Int) { note(sqlite3_bind_int64(statement.sqliteStatement, next(), Int64(number))) }

    func bind(_ flag: Bool) { bind(flag ? 1 : 0) }

    /// Nil: NULL. A text ends before its first zero byte, as all that GRDB reads and writes: those behind it would be seen by
    /// some of SQLite's functions and not by others (sqlite.org/nulinstr.html).
    func bind(_ text: String?) {
        guard var text else { return note(sqlite3_bind_null(statement.sqliteStatement, next())) }
        let index = next()
        note(
            text.withUTF8 { bytes in
                guard bytes.count < texts.count - used else {
                    let count = bytes.firstIndex(of: 0) ?? bytes.count
                    return bytes.withMemoryRebound(to: CChar.self) {
                        sqlite3_bind_text(statement.sqliteStatement, index, $0.baseAddress, Int32(count), Self.copied)
                    }
                }
                let place = UnsafeMutableRawBufferPointer(rebasing: texts[used...])
                place.copyMemory(from: UnsafeRawBufferPointer(bytes))
                place[bytes.count] = 0
                used += bytes.count + 1
                // SQLite finds the zero byte.
                let start = UnsafeRawPointer(place.baseAddress)?.assumingMemoryBound(to: CChar.self)
                return sqlite3_bind_text(statement.sqliteStatement, index, start, -1, nil)
            })
    }

    /// Writes the row whose arguments are bound, all of them, and begins the next one. Returns how many rows changed.
    @discardableResult
    func write() throws -> Int {
        defer { (count, used, problem) = (0, 0, SQLITE_OK) }
        guard problem == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: problem)) }
        guard sqlite3_step(statement.sqliteStatement) == SQLITE_DONE else {
            let error = DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: String(cString: sqlite3_errmsg(connection)))
            sqlite3_reset(statement.sqliteStatement)
            throw error
        }
        sqlite3_reset(statement.sqliteStatement)
        return Int(sqlite3_changes(connection))
    }

    private func next() -> Int32 {
        count += 1
        return count
    }

    private func note(_ code: Int32) { if code != SQLITE_OK { problem = code } }

    /// SQLITE_TRANSIENT, a macro that Swift does not see: SQLite makes its own copy.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
