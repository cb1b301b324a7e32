import WeirCore
import WeirRedis

/// Settlements that were made within milliseconds of each other, and are one row of the file: SQLite's work is by the row,
/// so one for all of them costs a tenth of one for each.
struct OutboxBatch: Sendable {
    /// With more than this many settlements, or bytes, the next one begins another batch.
    static let mostRows = 256
    static let mostBytes = 256 << 10

    /// At least one, with numbers that follow one another.
    private(set) var rows: [OutboxRow]
    private(set) var bytes: Int

    init(_ row: OutboxRow) { (rows, bytes) = ([row], row.bytes) }

    var first: Int { rows[0].number }
    var atMs: Int { rows[0].atMs }

    /// False: it is full.
    mutating func take(_ row: OutboxRow) -> Bool {
        guard rows.count < Self.mostRows, bytes < Self.mostBytes else { return false }
        rows.append(row)
        bytes += row.bytes
        return true
    }

    /// `[{…},{…}]`: see ``OutboxRow/write(to:)``.
    var settlements: [UInt8] {
        var writer = JSONWriter(capacity: bytes + 200 * rows.count)
        writer.beginArray()
        for row in rows { row.write(to: &writer) }
        writer.endArray()
        return writer.bytes
    }

    /// How many settlements of each shard: `{"7":2}`.
    var shards: [UInt8] {
        var writer = JSONWriter(capacity: 64)
        writer.beginObject()
        for (shard, count) in Dictionary(rows.map { ($0.script.shard.number, 1) }, uniquingKeysWith: +) {
            writer.key(text: String(shard))
            writer.int(count)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension OutboxBatch {
    /// As ``shards`` wrote it.
    static func shards(_ json: [UInt8]) throws(JSONError) -> [Int: Int] {
        try JSONScanner.read(json) { (scanner) throws(JSONError) in
            var shards: [Int: Int] = [:]
            var members = try scanner.beginObject()
            while let name = try scanner.nextKey(&members) {
                let count = try scanner.int()
                if let number = Int(name), (0...99).contains(number) { shards[number] = count }
            }
            return shards
        }
    }

    /// As ``settlements`` wrote it, as far as it can be read.
    static func rows(_ json: [UInt8], first: Int) -> [OutboxFile.Found] {
        var found: [OutboxFile.Found] = []
        do {
            try JSONScanner.read(json) { (scanner) throws(JSONError) in
                var elements = try scanner.beginArray()
                while try scanner.next(&elements) {
                    found.append(.row(try OutboxRow(number: first + found.count, from: &scanner, of: json)))
                }
            }
        } catch {
            found.append(.unreadable(number: first + found.count, why: "\(error)"))
        }
        return found
    }
}
