import WeirRedis

/// One shard's usage stream, as a member of the consumer group `ledger`.
struct ShardStream: Sendable {
    static let group = "ledger"

    let shard: Shard
    let redis: AggregatorRedis
    let consumer: String

    var key: String { RedisKeys.usage(shard) }
    private var keyArgument: RedisArgument { .string(key) }

    /// Makes stream and group if they are not there. If they had been there before, events may be lost: the shard is not
    /// ready any more, until the nodes have sent again.
    func makeGroup() async throws(AggregatorError) {
        _ = try await redis.run(
            ScriptCatalogue.regroup,
            keys: [RedisKeys.epoch(shard), key, RedisKeys.committed(shard)], arguments: [.string(Self.group)])
    }

    /// Entries never delivered before.
    func readNew(count: Int) async throws(AggregatorError) -> [StreamEntry] { try await read(after: ">", count) }

    /// Entries that this consumer was given and has not acknowledged, from the oldest on.
    func readOwnPending(count: Int) async throws(AggregatorError) -> [StreamEntry] { try await read(after: "0", count) }

    private func read(after id: String, _ count: Int) async throws(AggregatorError) -> [StreamEntry] {
        let reply = try await redis.send([
            "XREADGROUP", "GROUP", .string(Self.group), .string(consumer), "COUNT", .int(count), "STREAMS",
            keyArgument, .string(id),
        ])
        return try StreamEntry.list(xreadgroup: reply)
    }

    struct Claim {
        var claimed = 0
        /// Where the next scan goes on; `0-0` when all was seen.
        var cursor = "0-0"
        /// Entries that were delivered, never acknowledged, and are gone from the stream.
        var lost: [String] = []
    }

    /// Takes over what other consumers were given more than `idleMs` ago. The entries become this consumer's own pending
    /// ones; only their ids travel here.
    func claim(idleMs: Int, from cursor: String, count: Int) async throws(AggregatorError) -> Claim {
        let reply = try await redis.send([
            "XAUTOCLAIM", keyArgument, .string(Self.group), .string(consumer), .int(idleMs), .string(cursor), "COUNT",
            .int(count), "JUSTID",
        ])
        guard case .array(let parts) = reply, parts.count >= 2, let next = parts[0].words,
            case .array(let ids) = parts[1]
        else { throw .redis(.protocolViolation("XAUTOCLAIM: not a cursor and ids")) }
        var claim = Claim(claimed: ids.count, cursor: next)
        if parts.count > 2, case .array(let deleted) = parts[2] { claim.lost = deleted.compactMap(\.words) }
        return claim
    }

    func acknowledge(_ ids: [String]) async throws(AggregatorError) {
        // In pieces: a command of any length would be one long pause for everybody else.
        for start in stride(from: 0, to: ids.count, by: 1000) {
            let piece = ids[start..<min(start + 1000, ids.count)]
            _ = try await redis.send(
                ["XACK", keyArgument, .string(Self.group)] + piece.map { RedisArgument.string($0) })
        }
    }

    /// Removes what every member of the group has acknowledged, so what the ledger has, and tells the nodes how far that
    /// is: exactly that, since `~` would leave up to a hundred committed entries a shard for no gain.
    func trim() async throws(AggregatorError) {
        _ = try await redis.run(
            ScriptCatalogue.trim,
            keys: [RedisKeys.epoch(shard), key, RedisKeys.committed(shard)], arguments: [.string(Self.group)])
    }

    /// The id of the last entry that the stream ever had, empty if it never had one; nil while it holds entries.
    func lastIDIfEmpty() async throws(AggregatorError) -> String? {
        guard try await redis.send(["EXISTS", keyArgument]) == .integer(1) else { return "" }
        guard case .array(let fields) = try await redis.send(["XINFO", "STREAM", keyArgument]) else { return nil }
        let info = RedisValue.dictionary(fields)
        guard info["length"] == "0", let lastID = info["last-generated-id"] else { return nil }
        return lastID == "0-0" ? "" : lastID
    }
}
