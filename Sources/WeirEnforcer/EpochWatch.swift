import Logging
import Synchronization
import WeirRedis

/// Watches whether what Redis holds may be believed, and which shards are ready.
///
/// A shard's epoch names the run of the server for which it was made. Whenever a connection has been made, the epochs are
/// compared with the server behind it before it admits anything: a Redis that was restored from an old snapshot, or took
/// another's place, brings old epochs back, and the aggregator makes it ready anew.
final class EpochWatch: Sendable {
    /// How often a connection is looked at that is not believed.
    private static let tick: Duration = .milliseconds(20)
    /// How often the epochs are read, so that calls that live are announced soon after a loss.
    static let interval: Duration = .milliseconds(200)
    /// How often it is asked whether Redis may forget keys.
    private static let evictionInterval: Duration = .seconds(30)

    private let pool: RedisPool
    private let logger: Logger
    private let problem = Mutex<String?>("it is not known yet whether what Redis holds may be believed")
    private let isInDoubt = Atomic<Bool>(true)
    private let rounds = Atomic<Int>(0)
    /// Shards without an epoch at the last look; -1: there was none yet.
    private let missing = Atomic<Int>(-1)
    /// While all connections are believed; cut short by a new one.
    private let nap = Mutex<Task<Void, Never>?>(nil)

    init(pool: RedisPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    /// Grows whenever a shard has lost its epoch or got another: whoever has calls that live announces them then.
    var round: Int { rounds.load(ordering: .relaxed) }

    /// Whether every shard was ready at the last look.
    var isEveryShardReady: Bool { missing.load(ordering: .relaxed) == 0 }

    /// Nil: all connections may be believed.
    var unreadyReason: String? {
        isInDoubt.load(ordering: .relaxed) ? problem.withLock { $0 } : nil
    }

    /// Watches until the task is cancelled.
    func run(_ shards: @Sendable () -> [Shard]) async {
        var known: [Shard: String?]?
        var nextLook = ContinuousClock.now
        var nextRound = ContinuousClock.now
        var nextEviction = ContinuousClock.now
        for connection in pool.connections {
            connection.whenSessionBegins { [weak self] in self?.nap.withLock { $0?.cancel() } }
        }
        while !Task.isCancelled {
            var isChanged = false
            if ContinuousClock.now >= nextLook {
                nextLook = .now + Self.interval
                let epochs = await look(shards(), known: known)
                isChanged = known != nil && known != epochs
                known = epochs
                // While a shard is not ready: an announcement may have been refused, or lost with a second loss.
                if let known, known.contains(where: { $0.value == nil }), ContinuousClock.now >= nextRound {
                    nextRound = .now + Self.interval * 3
                    rounds.wrappingAdd(1, ordering: .relaxed)
                }
            }
            if ContinuousClock.now >= nextEviction {
                nextEviction = .now + Self.evictionInterval
                await lookForEviction()
            }
            var found: String?
            // Whatever an epoch was replaced by, it is looked at.
            for connection in pool.connections where isChanged || !connection.isBelieved {
                found = await check(connection, shards()) ?? found
            }
            tell(found)
            if pool.connections.allSatisfy(\.isBelieved) {
                await rest(until: nextLook)
            } else {
                do { try await Task.sleep(for: Self.tick) } catch { return }
            }
        }
    }

    /// Returns at that time, or when a connection has been made, or the task is cancelled. To look every few milliseconds
    /// would cost an idle node most of its CPU.
    private func rest(until end: ContinuousClock.Instant) async {
        let nap = Task {
            // Cancelled: there is something to look at, or nothing any more.
            do { try await Task.sleep(until: end, clock: .continuous) } catch { return }
        }
        self.nap.withLock { $0 = nap }
        // Made in between.
        if !pool.connections.allSatisfy(\.isBelieved) { nap.cancel() }
        await withTaskCancellationHandler {
            await nap.value
        } onCancel: {
            nap.cancel()
        }
    }

    /// A node does not start where keys may be forgotten; where somebody changes that later it goes on, loudly.
    private func lookForEviction() async {
        do {
            let info = try await pool.any.send(["INFO", "memory"]).text
            if let problem = info.flatMap({ RedisEviction(info: $0) })?.problem { logger.error("\(problem)") }
        } catch {
            logger.debug("Redis does not say what it forgets", metadata: ["error": "\(error)"])
        }
    }

    private func tell(_ found: String?) {
        let isNew = problem.withLock { problem in
            defer { problem = found }
            return problem != found
        }
        isInDoubt.store(found != nil, ordering: .relaxed)
        guard isNew else { return }
        if let found {
            logger.warning("nothing is admitted", metadata: ["reason": "\(found)"])
        } else {
            logger.info("what Redis holds may be believed")
        }
    }

    /// Believes the connection's session if no shard there was made ready for another run. Else says why not.
    private func check(_ connection: RedisConnection, _ shards: [Shard]) async -> String? {
        let session = connection.session
        // Without a connection nothing is admitted anyway.
        guard session != 0 else { return nil }
        let answers = await withTaskGroup(of: Result<RedisValue, RedisError>.self) { group in
            for shard in shards {
                group.addTask {
                    do throws(RedisError) {
                        let keys = [RedisKeys.epoch(shard)]
                        return .success(try await connection.run(ScriptCatalogue.ready, keys: keys, arguments: []))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var answers: [Result<RedisValue, RedisError>] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        for answer in answers {
            switch answer {
            case .success(.integer(0)), .success(.integer(1)): break
            case .success(.integer(-1)):
                connection.doubt()
                return "Redis was started again or replaced, and what it holds may be old; the aggregator rebuilds it"
            case .success(let reply): return "ready.lua answered \(reply)"
            case .failure(.configuration(let text)), .failure(.server(let text)):
                return "Redis does not say what it holds: \(text)"
            // It is asked again; until then this connection alone admits nothing.
            case .failure: return nil
            }
        }
        // Believed is the session of which all this was asked, if it is still the same.
        connection.believe(session: session)
        return nil
    }

    /// The epochs as they stand now; as known, if Redis does not say.
    private func look(_ shards: [Shard], known: [Shard: String?]?) async -> [Shard: String?]? {
        var epochs: [Shard: String?] = [:]
        let connection = pool.any
        do {
            let answers = await connection.send(together: shards.map { ["GET", .string(RedisKeys.epoch($0))] })
            for (shard, answer) in zip(shards, answers) { epochs[shard] = .some(try answer.get().text) }
        } catch {
            return known
        }
        missing.store(epochs.filter { $0.value == nil }.count, ordering: .relaxed)
        if let known, known != epochs {
            rounds.wrappingAdd(1, ordering: .relaxed)
            let lost = epochs.filter { $0.value == nil }.count
            logger.log(
                level: lost > 0 ? .warning : .notice, "shards' epochs changed; calls that live are announced",
                metadata: ["shards_not_ready": "\(lost)"])
        }
        return epochs
    }
}
