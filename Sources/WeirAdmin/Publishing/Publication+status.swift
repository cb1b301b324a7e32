import WeirCore
import WeirLedger
import WeirRedis

extension Publication {
    /// How the deployment is, read now. Changes nothing.
    func status() async throws -> StatusAnswer {
        let nowMs = try await nowMs()
        let info = try await info()
        let run = info["run_id"] ?? ""
        let count = try await read(["HGET", .string(RedisKeys.meta), "shards"]).flatMap { Int($0) } ?? 0
        var shards = ShardsStatus(count: count, ready: 0, notReady: [])
        var ingest = IngestStatus(waiting: 0, oldestMs: 0)
        for shard in Shard.all(count: min(max(count, 0), 100)) {
            // An epoch that was made for another run of Redis does not count.
            let epoch = try await read(["GET", .string(RedisKeys.epoch(shard))]) ?? ""
            if !run.isEmpty, epoch.prefix(while: { $0 != " " }) == run {
                shards.ready += 1
            } else {
                shards.notReady.append(shard.tag)
            }
            let (waiting, oldestMs) = try await backlog(of: shard)
            ingest.waiting = ingest.waiting.addingSaturated(waiting)
            if let oldestMs { ingest.oldestMs = max(ingest.oldestMs, nowMs - oldestMs) }
        }
        return StatusAnswer(
            leader: try await read(["GET", .string(RedisKeys.leader)]).flatMap { LeaderStatus($0) }, shards: shards,
            ingest: ingest,
            ledger: LedgerStatus(
                revision: try await ledger.revision(),
                publishedRevision: try await read(["GET", .string(RedisKeys.publishedRevision)]).flatMap { Int($0) }),
            killSwitch: try await killSwitch().filter { $0.entry.isThrown(nowMs: nowMs) }.map(\.scope),
            redis: RedisStatus(
                version: info["redis_version"] ?? "unknown", runID: run,
                maxmemoryPolicy: info["maxmemory_policy"] ?? "unknown"))
    }
}

extension Publication {
    /// What Redis has of a reservation; nil: nothing.
    /// - Parameter team: whose it is; nil: unknown, so all shards are asked.
    func reservation(_ id: String, team: String?) async throws -> ReservationRecord? {
        let count = try await read(["HGET", .string(RedisKeys.meta), "shards"]).flatMap { Int($0) } ?? 0
        let all = Shard.all(count: min(max(count, 0), 100))
        // Callers without a key are spread by their addresses.
        let home = team == APIKeyRecord.anonymous.team ? nil : team.map { Shard(of: $0, count: max(1, all.count)) }
        for shard in home.map({ [$0] }) ?? all {
            guard let text = try await read(["HGET", .string(RedisKeys.reservations(shard)), .string(id)]) else {
                continue
            }
            // The part that holds for the others alone is not what is asked for.
            guard let record = ReservationRecord(text) else { continue }
            if case .held(let held) = record, held.call.isSide { continue }
            return record
        }
        return nil
    }
}
