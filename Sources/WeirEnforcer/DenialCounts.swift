import Logging
import Synchronization
import WeirCore
import WeirRedis

/// Counts this node's denials, and hands the counts on once a second, off the path of any call.
///
/// What is written is how often this node has denied something that day, not by how much that has grown: so a write
/// whose answer was lost is written again, and whoever reads it twice has not counted twice.
final class DenialCounts: Sendable {
    static let interval: Duration = .seconds(1)
    /// For how long after its day a count stays in Redis, for an aggregator that was away.
    static let keptMs = 2 * UTCDay.lengthMs
    private static let fieldsPerCommand = 200

    /// Names this process among the nodes, and after a restart it is another.
    let node: String
    /// Beyond so many different ones a day, further users are counted with their team alone.
    private let mostKeys: Int
    private let pool: RedisPool
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var counts: [DenialKey: Int] = [:]
        /// Those that Redis does not have yet.
        var isDirty: Set<DenialKey> = []
    }

    init(pool: RedisPool, logger: Logger, mostKeys: Int = 50_000) {
        node = String(UInt64.random(in: .min ... .max), radix: 36)
        self.pool = pool
        self.mostKeys = mostKeys
        self.logger = logger
    }

    func add(_ denial: Denial, of call: Call, atMs ms: Int) {
        var key = DenialKey(
            day: UTCDay(containingMs: ms), team: call.team, user: call.user, limit: denial.limit,
            reason: denial.reason.rawValue)
        state.withLock { state in
            if state.counts[key] == nil, state.counts.count >= mostKeys { key.user = nil }
            state.counts[key, default: 0] += 1
            state.isDirty.insert(key)
        }
    }

    /// Hands on until the task is cancelled.
    func run(shard: @Sendable (String) -> Shard) async {
        while !Task.isCancelled {
            await flush(shard: shard)
            do { try await Task.sleep(for: Self.interval) } catch { return }
        }
    }

    /// Writes what Redis does not have yet; what could not be written is written the next time.
    func flush(shard: (String) -> Shard) async {
        let due = state.withLock { state in
            defer { state.isDirty = [] }
            return state.isDirty.map { (key: $0, count: state.counts[$0] ?? 0) }
        }
        guard !due.isEmpty else { return }
        let byHash = Dictionary(grouping: due) { RedisKeys.denials(shard($0.key.team), day: $0.key.day) }
        for (hash, entries) in byHash {
            for start in stride(from: 0, to: entries.count, by: Self.fieldsPerCommand) {
                let piece = entries[start..<min(start + Self.fieldsPerCommand, entries.count)]
                do {
                    try await write(piece, to: hash)
                } catch {
                    logger.debug("denials will be counted later", metadata: ["error": "\(error)"])
                    state.withLock { $0.isDirty.formUnion(piece.map(\.key)) }
                }
            }
        }
        // A day that is over and handed on is nothing to this node any more.
        let newest = due.map(\.key.day).max() ?? UTCDay(number: 0)
        state.withLock { state in
            state.counts = state.counts.filter { $0.key.day >= newest || state.isDirty.contains($0.key) }
        }
    }

    private func write(_ entries: ArraySlice<(key: DenialKey, count: Int)>, to hash: String) async throws(RedisError) {
        guard let day = entries.first?.key.day else { return }
        var command: [RedisArgument] = ["HSET", .string(hash)]
        for entry in entries { command += [.string(entry.key.field(node: node)), .int(entry.count)] }
        _ = try await pool.send(command, deadline: .seconds(1))
        let end = day.startMs + UTCDay.lengthMs + Self.keptMs
        _ = try await pool.send(["PEXPIREAT", .string(hash), .int(end)], deadline: .seconds(1))
    }
}
