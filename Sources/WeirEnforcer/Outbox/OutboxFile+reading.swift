import GRDB
import WeirCore

/// What the file holds, for a node that starts and for what has to be sent again.
extension OutboxFile {
    func content() throws(OutboxError) -> Content {
        do {
            return try database.read { db in
                var content = Content()
                let rows = try Row.fetchCursor(db, sql: "SELECT first, count, bytes, shards FROM batch ORDER BY first")
                while let row = try rows.next() {
                    let (first, count): (Int, Int) = (row["first"], row["count"])
                    content.batches.append(first: first, count: count, bytes: row["bytes"])
                    content.count += count
                    content.lastNumber = first + count - 1
                    let shards: String = row["shards"]
                    for (shard, count) in try OutboxBatch.shards(Array(shards.utf8)) {
                        content.rows[shard, default: 0] += count
                    }
                }
                return content
            }
        } catch let error as JSONError {
            throw Self.damaged(path, "column shards: \(error)")
        } catch {
            throw Self.unusable(path, error)
        }
    }

    /// When the oldest row was made, milliseconds since 1970; nil: there is none.
    func oldestAtMs() async throws(OutboxError) -> Int? {
        try await read { try Int.fetchOne($0, sql: "SELECT at_ms FROM batch ORDER BY first LIMIT 1") }
    }

    /// A row as it was read, or why it and those after it in its batch cannot be.
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

    /// The first of them, by whole batches: up to `count` and what is in the batch of the last.
    func rows(in numbers: ClosedRange<Int>, count: Int) async throws(OutboxError) -> [Found] {
        try await read { db in
            var found: [Found] = []
            let batches = try Row.fetchCursor(
                db, sql: "SELECT first, settlements FROM batch WHERE first <= ? AND first + count > ? ORDER BY first",
                arguments: [numbers.upperBound, numbers.lowerBound])
            while found.count < count, let batch = try batches.next() {
                found += Self.found(batch).filter { numbers.contains($0.number) }
            }
            return found
        }
    }

    /// Those of them that are there.
    func rows(_ numbers: [Int]) async throws(OutboxError) -> [Found] {
        try await read { db in
            let batchOf = try db.cachedStatement(
                sql: "SELECT first, settlements FROM batch WHERE first <= ? ORDER BY first DESC LIMIT 1")
            var (found, seen): ([Int: Found], Set<Int>) = ([:], [])
            for number in numbers where found[number] == nil {
                guard let batch = try Row.fetchOne(batchOf, arguments: [number]), seen.insert(batch["first"]).inserted
                else { continue }
                for row in Self.found(batch) { found[row.number] = row }
            }
            return numbers.compactMap { found[$0] }
        }
    }

    private static func found(_ batch: Row) -> [Found] {
        let (first, settlements): (Int, String) = (batch["first"], batch["settlements"])
        return OutboxBatch.rows(Array(settlements.utf8), first: first)
    }

    private func read<T: Sendable>(_ query: @Sendable @escaping (Database) throws -> T) async throws(OutboxError) -> T {
        do { return try await database.read(query) } catch { throw Self.unusable(path, error) }
    }
}
