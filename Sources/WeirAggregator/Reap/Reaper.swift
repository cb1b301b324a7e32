import Logging
import NIOCore
import WeirCore
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
    private let shards: [Shard]
    private let logger: Logger
    private var cursors: [Shard: String] = [:]

    init(redis: AggregatorRedis, shards: [Shard], logger: Logger) {
        self.redis = redis
        self.shards = shards
        self.logger = logger
    }

    /// One round over all shards. Returns how many calls it settled.
    func step() async throws(AggregatorError) -> Int {
        var settled = 0
        for shard in shards {
            for _ in 0..<Self.stepsPerRound {
                let expired = try await nextExpired(shard)
                for (id, record) in expired where try await reap(id, record, shard) { settled += 1 }
                if cursors[shard] == nil { break }
            }
        }
        return settled
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
        return stride(from: 2, to: parts.count - 1, by: 2).compactMap { i in
            guard let id = parts[i].words, let record = parts[i + 1].words else { return nil }
            return (id, record)
        }
    }

    /// False if it had ended meanwhile, lives after all, or cannot be read.
    private func reap(_ id: String, _ record: String, _ shard: Shard) async throws(AggregatorError) -> Bool {
        guard let id = ReservationID(id), let expired = ExpiredReservation(record: record) else {
            logger.error(
                "a reservation that cannot be read is left as it is; remove it by hand",
                metadata: ["key": "\(RedisKeys.reservations(shard))", "id": "\(id)"])
            return false
        }
        let script = EndScript(
            .reap, shard: shard, id: id, admittedMs: expired.admittedMs,
            event: expired.call.isSide ? [] : expired.event.json(), counters: expired.charges,
            nowMs: redis.fixedNowMs?())
        do {
            guard case .ended(let skipped) = try await script.run(on: redis.pool.any) else { return false }
            logger.notice(
                "settled an orphaned call",
                metadata: [
                    "reservation": "\(id.text)", "team": "\(expired.event.team)",
                    "cost_micros": "\(expired.event.cost.micros)", "counters_skipped": "\(skipped)",
                ])
            return true
        } catch { throw error == .cancelled ? .cancelled : .redis(error) }
    }
}

/// A record as it was left: the call, and the event it is charged by.
struct ExpiredReservation: Sendable {
    let call: CallRecord
    let event: UsageEvent
    /// Within two seconds.
    let admittedMs: Int
    private let held: [Int]

    /// What each counter is charged. A window is given nothing back: the record does not say exactly in which part of the
    /// window the call was admitted, and what is given back in another part would let more than the amount through.
    var charges: [(counter: CounterKey, units: Int)] {
        zip(call.holds, call.units(of: event)).enumerated().map { index, charge in
            guard case .ring = charge.0.counter, index < held.count else { return (charge.0, charge.1) }
            return (charge.0, max(charge.1, held[index]))
        }
    }

    /// Nil if it cannot be read.
    init?(record: String) {
        guard let record = HeldRecord(record[...]) else { return nil }
        (held, admittedMs, call) = (record.held, record.admittedMs, record.call)
        var event = record.observed ?? record.call.event
        (event.outcome, event.isOK) = (.orphaned, false)
        self.event = event
    }
}
