import WeirRedis

/// Makes the budgets of a shard that is not ready hold what its live reservations hold of them: one of the two may have
/// been lost without the other. Calls are announced meanwhile, which changes both, so it is looked at until both agree.
struct HeldUnits: Sendable {
    let shard: Shard
    let leader: Leader

    private static let rounds = 5

    /// What a budget was seen to hold for calls that live.
    enum Seen: Sendable, Equatable {
        case absent
        case holds(Int)
        /// Not a number: left as it is, for its owner to mend.
        case unreadable
    }

    /// - Parameter before: what budgets were seen to hold, by key; others that are held are looked at.
    /// - Returns: false if budgets and reservations went on changing.
    func putRight(_ before: [String: Seen]) async throws(AggregatorError) -> Bool {
        var seen = before
        for _ in 0..<Self.rounds {
            let held = try await ShardBudgets(of: shard, in: leader.redis).held
            var again = held.keys.filter { seen[$0] == nil }
            for (key, seen) in seen where seen != .unreadable {
                let units = held[key]?.units ?? 0
                if seen == .holds(units) || seen == .absent && units == 0 { continue }
                try await correct(key, seen, to: units, expireAtMs: held[key]?.expireAtMs ?? 0)
                again.append(key)
            }
            if again.isEmpty { return true }
            for key in again { seen[key] = try await look(key) }
        }
        return false
    }

    /// A budget of which the ledger knows nothing, and which is not there, begins with what is held of it.
    private func correct(_ key: String, _ seen: Seen, to units: Int, expireAtMs: Int) async throws(AggregatorError) {
        let before: RedisArgument
        switch seen {
        case .absent: before = ""
        case .holds(let units): before = .int(units)
        case .unreadable: return
        }
        try await leader.run(
            ScriptCatalogue.restore,
            keys: [RedisKeys.epoch(shard), key, RedisKeys.fence(shard), RedisKeys.reservations(shard)],
            arguments: [before, .int(units), 0, .int(expireAtMs), .int(leader.token)])
    }

    private func look(_ key: String) async throws(AggregatorError) -> Seen {
        guard case .array(let fields) = try await leader.redis.send(["HMGET", .string(key), "settled", "reserved"]),
            fields.count == 2
        else { return .unreadable }
        guard let reserved = fields[1].words else { return fields[0] == .null ? .absent : .holds(0) }
        return Int(reserved).map { $0 < 0 ? .unreadable : .holds($0) } ?? .unreadable
    }
}
