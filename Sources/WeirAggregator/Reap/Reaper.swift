import Logging
import NIOCore
import WeirCore
import WeirLedger
import WeirRedis

/// Settles what dead nodes left behind: reservations whose lease has run out, at what was last observed of their calls.
///
/// Goes through each shard in bounded steps and remembers where it stands, so that many live reservations delay it but
/// never make it hold up Redis. Any number of reapers may run: a reservation ends once.
actor Reaper {
    /// Reservations looked at in one step of one shard.
    private static let stepCount = 200
    /// Steps per shard and round.
    private static let stepsPerRound = 10
    /// How long an ending is remembered, counted from the id's birth (lua/settle.lua).
    static let endingsKeptMs = 900_000

    private let redis: AggregatorRedis
    private let ledger: any LedgerStore
    private let shards: [Shard]
    private let logger: Logger
    private var cursors: [Shard: String] = [:]
    /// How many live, by shard: in the round that goes on, and in the last whole one.
    private var counting: [Shard: Int] = [:]
    private var counted: [Shard: Int] = [:]

    init(redis: AggregatorRedis, ledger: any LedgerStore, shards: [Shard], logger: Logger) {
        self.redis = redis
        self.ledger = ledger
        self.shards = shards
        self.logger = logger
    }

    /// How many reservations lived when their shard was last gone through.
    var live: Int { counted.values.reduce(0) { $0.addingSaturated($1) } }

    /// One round over all shards. Returns how many calls it settled.
    func step() async throws(AggregatorError) -> Int {
        var settled = 0
        var orphans: Policy.Orphans?
        for shard in shards {
            for _ in 0..<Self.stepsPerRound {
                let expired = try await nextExpired(shard)
                if !expired.isEmpty {
                    if orphans == nil { orphans = try await policy() }
                    let known = try await outcomes(expired.map(\.0))
                    for (id, record) in expired
                    where try await reap(id, record, shard, orphans ?? .observed, known: known[id]) { settled += 1 }
                }
                if cursors[shard] == nil { break }
            }
        }
        return settled
    }

    private func policy() async throws(AggregatorError) -> Policy.Orphans {
        do { return try await ledger.currentPolicy()?.policy.orphans ?? .observed } catch {
            throw AggregatorError(error)
        }
    }

    private func outcomes(_ ids: [String]) async throws(AggregatorError) -> [String: UsageEvent.Outcome] {
        do { return try await ledger.outcomes(of: ids) } catch {
            throw AggregatorError(error)
        }
    }

    private func nextExpired(_ shard: Shard) async throws(AggregatorError) -> [(String, String)] {
        let nowMs = try await redis.nowMs()
        let reply = try await redis.run(
            ScriptCatalogue.expired, keys: [RedisKeys.reservations(shard)],
            arguments: [
                .string(cursors[shard] ?? "0"), .int(redis.fixedNowMs == nil ? 0 : nowMs), .int(Self.stepCount),
                .string(ReservationID.prefix(birthMs: nowMs - Self.endingsKeptMs)),
            ])
        guard case .array(let parts) = reply, parts.count >= 2, let cursor = parts[0].words else {
            throw .redis(.protocolViolation("expired.lua: no cursor"))
        }
        cursors[shard] = cursor == "0" ? nil : cursor
        if case .integer(let live) = parts[1] { counting[shard, default: 0] += live }
        if cursor == "0" { counted[shard] = counting.removeValue(forKey: shard) ?? 0 }
        return stride(from: 2, to: parts.count - 1, by: 2).compactMap { i in
            guard let id = parts[i].words, let record = parts[i + 1].words else { return nil }
            return (id, record)
        }
    }

    /// False if it had ended meanwhile, lives after all, or cannot be read.
    ///
    /// - Parameter known: how the call ended, if the ledger has it already: Redis came back with an old snapshot, in which it
    ///   lives. Then it is not charged once more: the budgets were made of the ledger. One that stands there as orphaned has
    ///   been noted before its shard was opened (``CountedOrphans``), or is one whose other part was reaped first.
    private func reap(
        _ id: String, _ record: String, _ shard: Shard, _ orphans: Policy.Orphans, known: UsageEvent.Outcome?
    ) async throws(AggregatorError) -> Bool {
        guard let id = ReservationID(id), let expired = ExpiredReservation(record: record, orphans) else {
            logger.error(
                "a reservation that cannot be read is left as it is; remove it by hand",
                metadata: ["key": "\(RedisKeys.reservations(shard))", "id": "\(id)"])
            return false
        }
        let hasEnded = known.map { $0 != .orphaned } ?? false
        let script = EndScript(
            hasEnded ? .settle : .reap, shard: shard, id: id, admittedMs: expired.admittedMs,
            event: expired.call.isSide || hasEnded ? [] : expired.event.json(),
            counters: hasEnded ? expired.windowsOnly : expired.charges, nowMs: redis.fixedNowMs?())
        do {
            guard case .ended(let skipped) = try await script.run(on: redis.pool.any) else { return false }
            logger.notice(
                "settled an orphaned call",
                metadata: [
                    "reservation": "\(id.text)", "team": "\(expired.event.team)",
                    "cost_micros": "\(expired.event.cost.micros)", "counters_skipped": "\(skipped)",
                ])
            return true
        } catch { throw AggregatorError(error) }
    }
}
