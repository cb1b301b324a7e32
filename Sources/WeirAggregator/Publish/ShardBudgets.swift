import WeirCore
import WeirRedis

/// What a shard's `reservations` hash says of its budgets (lua/lib/record.lua).
struct ShardBudgets: Sendable {
    /// The budgets that have to be there.
    private(set) var listed: Set<String> = []
    /// What reservations that have not ended hold, by the budget's key.
    private(set) var held: [String: Hold] = [:]

    struct Hold: Sendable, Equatable {
        var units: Int
        /// Of the budget, unix ms.
        let expireAtMs: Int
    }

    /// Reads all of the hash, in bounded steps. What stood there all the time is found; what comes or goes meanwhile may be.
    init(of shard: Shard, in redis: AggregatorRedis) async throws(AggregatorError) {
        var cursor = "0"
        // A step may bring what an earlier one has brought.
        var ids: Set<String> = []
        repeat {
            let reply = try await redis.send([
                "HSCAN", .string(RedisKeys.reservations(shard)), .string(cursor), "COUNT", 500,
            ])
            guard case .array(let parts) = reply, parts.count == 2, let next = parts[0].words,
                case .array(let fields) = parts[1]
            else { throw .redis(.protocolViolation("HSCAN: not a cursor and fields")) }
            cursor = next
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                guard let name = fields[index].words, let value = fields[index + 1].words else { continue }
                if name.hasPrefix("weir:") {
                    listed.insert(name)
                } else if case .held(let record) = ReservationRecord(value), ids.insert(name).inserted {
                    add(record)
                }
            }
        } while cursor != "0"
    }

    private mutating func add(_ record: HeldRecord) {
        for (counter, units) in zip(record.call.holds, record.held) {
            guard case .budget = counter.counter else { continue }
            let hold = Hold(units: 0, expireAtMs: counter.span.addingSaturated(UTCDay.lengthMs))
            held[counter.key, default: hold].units = (held[counter.key]?.units ?? 0).addingSaturated(units)
        }
    }
}
